"""The scrollable list of response cards, and which of them the keys act on."""

from __future__ import annotations

from collections.abc import Sequence

from textual.containers import VerticalScroll
from textual.geometry import Region, Size
from textual.reactive import Reactive

from dpo_tui.service.sheet import Card
from dpo_tui.tui.widgets.response_card import ResponseCard


class CardList(VerticalScroll, can_focus=False):
    """Cards are kept and updated in place from group to group: mounting costs far more."""

    # Textual would lay the whole screen out a second time whenever the height changes.
    virtual_size = Reactive(Size(0, 0), repaint=False)

    def __init__(self) -> None:
        super().__init__()
        self._cards: list[ResponseCard] = []
        self._shown = 0
        self._current = 0

    @property
    def current(self) -> int:
        """The slot that keys act on."""
        card = self._cards[self._current].card if self._cards else None
        return card.slot if card else 0

    @property
    def place(self) -> int:
        """The place among the cards of the one that keys act on, from 0."""
        return self._current

    def slot_of(self, number: int) -> int | None:
        """The slot of the card with this number, if there is one."""
        cards = [each.card for each in self._cards[: self._shown]]
        return next((each.slot for each in cards if each and each.number == number), None)

    async def show(self, cards: Sequence[Card], *, is_new: bool, grow: bool) -> None:
        """Show these responses, in the order of their slots.

        `is_new` says that they are other ones than before, to be read from the first one on; `grow`
        that text which has come meanwhile is shown too.
        """
        missing = [ResponseCard(slot) for slot in range(len(self._cards), len(cards))]
        if missing:
            self._cards += missing
            await self.mount_all(missing)
        for widget in self._cards[len(cards) :]:
            widget.display = False
        self._shown = len(cards)
        for widget, card in zip(self._cards, cards, strict=False):
            widget.display = True
            widget.show_title(card)
            if is_new or (grow and self._may_grow(widget, card)):
                widget.show_text()
        if is_new:
            self._move_to(0)
            self.scroll_home(animate=False)

    def _may_grow(self, widget: ResponseCard, card: Card) -> bool:
        """Whether more text in a card would be seen, and disturb nobody.

        In a card that begins above the view it would move what is being read below; where its end
        is below the view it costs a repaint of all that is in view for nothing, and while it
        streams there is soon another occasion.
        """
        top, bottom = self.scroll_offset.y, self.scroll_offset.y + self.size.height
        region = widget.virtual_region
        if region.y < top and widget.slot < self._current:
            return False
        return region.bottom <= bottom or card.phase is None or not widget.only_grows

    def go(self, place: int) -> None:
        """Make a card the current one, and scroll no more than it takes to read its beginning."""
        self._move_to(max(0, min(place, self._shown - 1)))
        card = self._cards[self._current]
        region = card.virtual_region
        # What was held back grows in the same repaint: it is taken to need the whole view. A card
        # taller than the view is shown from its title on.
        height = self.size.height
        if not card.show_text():
            height = min(height, region.height)
        wanted = Region(region.x, region.y, region.width, height)
        self.scroll_to_region(wanted, animate=False, force=True, x_axis=False)

    def page(self, pages: float) -> None:
        """Scroll by pages, a line of overlap kept, and take the current card along."""
        # Over what there really is: cards that were held back grow first.
        grown = [card.show_text() for card in self._cards[: self._shown]]
        if any(grown):
            self.call_after_refresh(self._scroll_by, pages)
        else:
            self._scroll_by(pages)

    def _scroll_by(self, pages: float) -> None:
        height = max(1, self.size.height - 1)
        self.scroll_to(y=self.scroll_target_y + round(height * pages), animate=False, force=True)
        self.call_after_refresh(self._follow_view)

    def _follow_view(self) -> None:
        """Make the first card that is in view the current one, if the current one is not."""
        top, bottom = self.scroll_offset.y, self.scroll_offset.y + self.size.height
        shown = self._cards[: self._shown]
        if top <= shown[self._current].virtual_region.y < bottom:
            return
        for card in shown:
            if card.virtual_region.bottom > top:
                self._move_to(card.slot)
                break

    def _move_to(self, slot: int) -> None:
        self._cards[self._current].set_current(False)
        self._current = slot
        self._cards[slot].set_current(True)
