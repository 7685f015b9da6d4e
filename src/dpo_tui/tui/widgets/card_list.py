"""The scrollable list of response cards, and which of them the keys act on."""

from __future__ import annotations

from collections.abc import Sequence

from textual.containers import VerticalScroll
from textual.geometry import Region

from dpo_tui.service.sheet import Card
from dpo_tui.tui.widgets.response_card import ResponseCard


class CardList(VerticalScroll, can_focus=False):
    """Cards are kept and updated in place from group to group: mounting costs far more."""

    def __init__(self) -> None:
        super().__init__()
        self._cards: list[ResponseCard] = []
        self._current = 0

    @property
    def current(self) -> int:
        """The slot that keys act on."""
        return self._current

    async def show(self, cards: Sequence[Card]) -> None:
        """Show these responses, in the order of their slots."""
        missing = [ResponseCard(slot) for slot in range(len(self._cards), len(cards))]
        if missing:
            self._cards += missing
            await self.mount_all(missing)
        for widget in self._cards[len(cards) :]:
            widget.display = False
        for widget, card in zip(self._cards, cards, strict=False):
            widget.display = True
            widget.show(card)
        self._shown = len(cards)

    def rewind(self) -> None:
        """Go to the first card, at its top."""
        self._move_to(0)
        self.scroll_home(animate=False)

    def go(self, slot: int) -> None:
        """Make a card the current one, and scroll no more than it takes to read its beginning."""
        slot = max(0, min(slot, self._shown - 1))
        self._move_to(slot)
        card = self._cards[slot]
        region = card.virtual_region
        # A card taller than the view is shown from its title on.
        wanted = Region(region.x, region.y, region.width, min(region.height, self.size.height))
        self.scroll_to_region(wanted, animate=False, force=True, x_axis=False)

    def page(self, pages: float) -> None:
        """Scroll by pages, a line of overlap kept, and take the current card along."""
        height = max(1, self.size.height - 1)
        self.scroll_to(y=self.scroll_target_y + round(height * pages), animate=False, force=True)
        self.call_after_refresh(self._follow_view)

    def _follow_view(self) -> None:
        """Make the first card whose title is in view the current one, if the current is not."""
        top, bottom = self.scroll_offset.y, self.scroll_offset.y + self.size.height
        shown = self._cards[: self._shown]
        if top <= shown[self._current].virtual_region.y < bottom:
            return
        for card in shown:
            if card.virtual_region.bottom > top:
                self._move_to(card.slot)
                break

    def _move_to(self, slot: int) -> None:
        for card in (self._cards[self._current : self._current + 1]) if self._cards else []:
            card.set_current(False)
        self._current = slot
        if self._cards:
            self._cards[slot].set_current(True)
