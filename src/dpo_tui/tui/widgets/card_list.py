"""The response cards of one group, how they are laid out, and which of them the keys act on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.geometry import Region, Size
from textual.strip import Strip
from textual.timer import Timer

from dpo_tui.service.sheet import Card
from dpo_tui.tui.block import Change, View
from dpo_tui.tui.layout import Layout, columns_in, compared, in_columns, reference_card
from dpo_tui.tui.page import Page, Piece
from dpo_tui.tui.widgets.line_view import LineView

_NO_PAGE = Page((), 1, 1)
_MadeOf = tuple[Sequence[Card], int, int, View]
"""What a page is made of: cards, columns, and the width of all of these."""
_REST_SECONDS = 0.02
"""Between two cards out of view that are set in type: painting and keys come first."""


class CardList(LineView):
    """Draws all cards itself: only what is in view costs anything."""

    def __init__(self) -> None:
        super().__init__()
        self.cards: Sequence[Card] = ()
        self.current = 0
        """The slot that keys act on."""
        self.layout_now = Layout.LIST
        self.raw = False
        """Whether Markdown is shown as it is written."""
        self._query = ""
        self._pair: tuple[Card, Card] | None = None
        """The two cards that are compared, left and right; one can be the prompt's reference."""
        self._reasoning: frozenset[int] = frozenset()
        self._page = _NO_PAGE
        self._next: tuple[_MadeOf, Page] | None = None
        """The page that will most likely be shown next."""
        self._laid_out_for = Size(0, 0)
        self._settling: Timer | None = None

    # --- what LineView asks ---------------------------------------------------------------------

    @property
    def line_count(self) -> int:
        """How many lines there are."""
        return self._page.height

    @property
    def cards_below(self) -> int:
        """How many cards begin below the view."""
        bottom = self.top + self.view_height
        return sum(self._page.top(index) >= bottom for index in range(len(self._page.blocks)))

    def pieces(self, y: int) -> Iterable[Piece]:
        """What stands on a line, from left to right."""
        if y == self.top:
            y = self._page.title_above(y)
        return self._page.pieces(y, self.current)

    def render_lines(self, crop: Region) -> list[Strip]:
        """A part of the view; what it shows depends on its size, of which events come later."""
        if self.size != self._laid_out_for:
            self._set_page()
        return super().render_lines(crop)

    # --- showing --------------------------------------------------------------------------------

    def show(self, cards: Sequence[Card], *, is_new: bool) -> None:
        """Show these responses; `is_new` says that they are to be read from the first one on."""
        before, self.cards = self.cards, cards
        if is_new:
            self.current = self._selectable()[0] if cards else 0
            self._reasoning = frozenset()
            self.top = 0
            self._lay_out(keep=False)
        elif self._needs_layout(before):
            self._lay_out()
        else:
            by_slot = {card.slot: card for card in cards}
            bottom = self.top + self.view_height
            for index, block in enumerate(self._page.blocks):
                if block.card.slot in by_slot:
                    is_seen = self._page.top(index) < bottom
                    changes = block.show(by_slot[block.card.slot], is_seen=is_seen)
                    self._apply(index, changes)
            self._settle_view()

    def prepare(self, cards: Sequence[Card]) -> None:
        """Set in type what will most likely be shown next, as far as it will be in view."""
        if self.size and self.layout_now in {Layout.LIST, Layout.COLUMNS}:
            made_of = self._made_of(cards, frozenset())
            if self._next is None or self._next[0] != made_of:
                page = in_columns(*made_of)
                page.settle(0, self.view_height)
                self._next = made_of, page

    def _needs_layout(self, before: Sequence[Card]) -> bool:
        has_others = [card.slot for card in before] != [card.slot for card in self.cards]
        if self.layout_now is not Layout.COMPARE or self._pair is None:
            return has_others
        pair = self._pair
        self._pair = self._now(pair[0]), self._now(pair[1])
        return has_others or [card.text for card in pair] != [card.text for card in self._pair]

    def _apply(self, index: int, changes: Sequence[Change]) -> None:
        """Paint what has changed of a block, and nothing else."""
        page = self._page
        for change in changes:
            top, height = page.top(index), page.height
            begin, end = top + change.begin, top + change.end
            if change.resized:
                page.grew()
            grown = page.height - height
            if grown and (begin < self.top or self._is_read_below(index)):
                # What is being read stays where it is.
                self.top = max(0, self.top + grown)
                self.refresh_from(self.top, end + grown)
            elif grown:
                self.refresh_from(begin, page.height + abs(grown))
            else:
                self._refresh_part(begin, end, page.x(index) + change.x, change.width)

    def _refresh_part(self, begin: int, end: int, x: int, width: int | None) -> None:
        """Paint these lines anew, and the title among them where it stands in for another line."""
        self.refresh_from(begin, end, x, width)
        if begin < self.top and begin == self._page.title_above(self.top):
            self.refresh_from(self.top, self.top + 1, x, width)

    def _is_read_below(self, index: int) -> bool:
        """Whether a block begins above the view, and a later one is the current one."""
        current = self._page.index(self.current)
        return self._page.top(index) < self.top and current is not None and current > index

    def _lay_out(self, *, keep: bool = True) -> None:
        """Make the page anew and paint it; with `keep` the current card stays at its place."""
        self._set_page(keep=keep)
        self.refresh()

    def _set_page(self, *, keep: bool = True) -> None:
        self._laid_out_for = self.size
        if not self.size:
            return
        index = self._page.index(self.current)
        above = self._page.top(index) - self.top if keep and index is not None else 0
        self._page = self._make_page()
        index = self._page.index(self.current)
        if index is not None and keep:
            self._page.settle(self._page.top(index), self.view_height)
            self.top = self._page.top(index) - above
        self._settle_view()
        if self._settling is None:
            self._settling = self.set_timer(_REST_SECONDS, self._settle_rest)

    def _make_page(self) -> Page:
        current = self.card(self.current)
        if current is None:
            return _NO_PAGE
        cards, columns, width, view = self._made_of(self.cards, self._reasoning)
        if self.layout_now is Layout.READER:
            return in_columns([current], 1, width, view)
        if self.layout_now is Layout.COMPARE and self._pair:
            return compared(*self._pair, width, view)
        if self._next and self._next[0] == (cards, columns, width, view):
            (_, page), self._next = self._next, None
            return page
        return in_columns(cards, columns, width, view)

    def _made_of(self, cards: Sequence[Card], reasoning: frozenset[int]) -> _MadeOf:
        width = self.text_width
        columns = columns_in(width, len(cards)) if self.layout_now is Layout.COLUMNS else 1
        view = View(
            width,
            raw=self.raw,
            whole=self.layout_now is Layout.READER,
            reasoning=reasoning,
            query=self._query,
        )
        return cards, columns, width, view

    def _settle_view(self) -> None:
        self._page.settle(self.top, self.view_height)
        self.top = max(0, min(self.top, self.line_count - self.view_height))
        self._move_thumb()

    def _settle_rest(self) -> None:
        """Set the next card in type while nothing else is to be done."""
        self._settling = None
        if self._page.settle_one():
            self._settling = self.set_timer(_REST_SECONDS, self._settle_rest)
        else:
            self._move_thumb()

    # --- what the keys act on -------------------------------------------------------------------

    def slot_of(self, number: int) -> int | None:
        """The slot of the card with a number."""
        return next((card.slot for card in self.cards if card.number == number), None)

    def number_of(self, slot: int) -> int:
        """The number that a slot's card is shown with."""
        found = self.card(slot)
        return found.number if found else slot + 1

    def card(self, slot: int) -> Card | None:
        """The card of a slot, if it is shown."""
        return next((card for card in self.cards if card.slot == slot), None)

    def is_in_view(self, slot: int) -> bool:
        """Whether the title of a slot's card is seen; above its text it is as long as that is."""
        page, index = self._page, self._page.index(slot)
        return (
            index is not None
            and page.top(index) < self.top + self.view_height
            and page.bottom(index) > self.top + 1
        )

    def _selectable(self) -> list[int]:
        """The slots that keys can act on, in the order shown: no copies of others."""
        slots = [c.slot for c in self.cards if not (c.twin and c.twin.similarity == 1)]
        return slots or [card.slot for card in self.cards]

    def _now(self, card: Card) -> Card:
        """A card as it is now; the reference never changes."""
        return self.card(card.slot) or card

    # --- moving ---------------------------------------------------------------------------------

    def go(self, slot: int) -> None:
        """Make a card the current one, and scroll no more than it takes to read its beginning."""
        if self.layout_now is Layout.READER and slot != self.current:
            self.current = slot
            self.top = 0
            self._lay_out(keep=False)
            return
        index = self._page.index(slot)
        if index is None:
            self._go_in_pair(slot)
            return
        before, self.current = self._page.index(self.current), slot
        page, height = self._page, self.view_height
        page.settle(page.top(index), height)
        top, bottom = page.top(index), page.bottom(index)
        # A card taller than the view is shown from its title on.
        wanted = max(bottom - height, self.top) if bottom - top <= height else top
        if self.scroll_lines_to(min(wanted, top)):
            return
        for each in (before, index):
            if each is not None:
                top = page.top(each)
                self._refresh_part(top, top + 1, page.x(each), page.width)

    def search(self, query: str, slot: int | None = None) -> None:
        """Mark where a text occurs, and go to the first place; an empty one ends that.

        To that in the response of `slot`, if the text is there.
        """
        self._query = query
        self._lay_out()
        if not query:
            return
        blocks = () if self.layout_now is Layout.READER else self._page.blocks
        if self.layout_now in {Layout.READER, Layout.COMPARE}:
            # The text may be in a card that isn't shown.
            blocks = (*blocks, *in_columns(*self._made_of(self.cards, self._reasoning)).blocks)
        for block in sorted(blocks, key=lambda each: each.card.slot != slot):
            block.settle()
            self._page.grew()
            if block.first_match is not None:
                self._go_to_match(block.card.slot)
                return

    def _go_to_match(self, slot: int) -> None:
        """Go to the first match in a card, and scroll there if it isn't in view."""
        if self.card(slot) is not None:  # else it is the reference, which no key acts on
            self.go(slot)
        index = self._page.index(slot)
        if index is None:
            return
        self._page.blocks[index].settle()
        self._page.grew()
        if (line := self._page.blocks[index].first_match) is None:
            return
        self._page.settle(self._page.top(index) + line, self.view_height)
        y = self._page.top(index) + line
        if not self.top <= y < self.top + self.view_height:
            self.scroll_lines_to(y - self.view_height // 3)

    def step(self, by: int) -> None:
        """Go to the next or the previous card; when two are compared, on the current side."""
        slots = self._selectable()
        if self.layout_now is Layout.COMPARE and self._pair:
            self._step_pair(self._pair, slots, by)
            return
        at = slots.index(self.current) if self.current in slots else 0
        self.go(slots[max(0, min(at + by, len(slots) - 1))])

    def _step_pair(self, pair: tuple[Card, Card], slots: Sequence[int], by: int) -> None:
        side = int(pair[1].slot == self.current)
        others = [slot for slot in slots if slot != pair[1 - side].slot]
        at = others.index(self.current) if self.current in others else 0
        slot = others[max(0, min(at + by, len(others) - 1))]
        if slot != self.current:
            self._go_in_pair(slot)

    def _go_in_pair(self, slot: int) -> None:
        """Compare another card, in the place of the current one."""
        card = self.card(slot)
        if card is not None and self._pair:
            left, right = self._pair
            self._pair = (left, card) if right.slot == self.current else (card, right)
            self.current = slot
            self._lay_out()

    def step_column(self, by: int) -> None:
        """Go to the card beside the current one."""
        if self.layout_now is Layout.COMPARE and self._pair:
            side = self._pair[by > 0]
            if side.number:
                self.go(side.slot)
        else:
            self.step(by)

    def go_to_end(self, *, last: bool) -> None:
        """Go to the first or the last card; when two are compared, on the current side."""
        self.step(len(self.cards) if last else -len(self.cards))

    def scroll_by(self, lines: int) -> None:
        """Scroll by lines, and take the current card along when it leaves the view."""
        self._page.settle(self.top + lines, self.view_height)
        if self.scroll_lines_to(self.top + lines):
            self._follow_view()

    def scroll_by_pages(self, pages: float) -> None:
        """Scroll by pages; the last line is seen again, below the title."""
        self.scroll_by(round(max(1, self.view_height - 2) * pages))

    def _follow_view(self) -> None:
        """Make the first card that is in view the current one, if the current one is not."""
        page, index = self._page, self._page.index(self.current)
        if self.layout_now in {Layout.COMPARE, Layout.READER} or index is None:
            return
        if self.is_in_view(self.current):
            return
        self.current = page.blocks[page.in_row(page.row_at(self.top + 1))[0]].card.slot
        self.refresh()

    # --- layouts --------------------------------------------------------------------------------

    def lay_out_as(self, layout: Layout) -> None:
        """Show the cards in another layout."""
        if layout is not self.layout_now:
            self.layout_now = layout
            self._pair = None
            self._lay_out()

    def compare_with_next(self) -> bool:
        """Show the current card and another one side by side; False if there is no other one."""
        slots = self._selectable()
        if len(slots) < 2 or self.current not in slots:
            return False
        at = slots.index(self.current)
        other = slots[at + 1] if at + 1 < len(slots) else slots[at - 1]
        left, right = sorted((at, slots.index(other)))
        return self._compare(self.card(slots[left]), self.card(slots[right]))

    @property
    def has_reference(self) -> bool:
        """Whether the prompt's reference is what a card is compared with."""
        return self._pair is not None and not self._pair[0].number

    def compare_with(self, reference: str) -> bool:
        """Show the prompt's reference and the current card side by side."""
        return self._compare(reference_card(reference), self.card(self.current))

    def _compare(self, left: Card | None, right: Card | None) -> bool:
        if left is None or right is None:
            return False
        self.layout_now, self._pair = Layout.COMPARE, (left, right)
        self.top = 0
        self._lay_out(keep=False)
        return True

    def toggle_raw(self) -> None:
        """Show Markdown as it is written, or set in type."""
        self.raw = not self.raw
        self._lay_out()

    def toggle_reasoning(self) -> bool:
        """Unfold or fold the reasoning of the current card; False if it has none."""
        card = self.card(self.current)
        if card is None or not card.reasoning.strip():
            return False
        self._reasoning ^= {card.slot}
        self._lay_out()
        return True
