"""One response: a title line and its text."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.geometry import Size
from textual.reactive import Reactive
from textual.widgets import Static

from dpo_tui.service.sheet import Card
from dpo_tui.tui.render import card_body, mark_part, state_part
from dpo_tui.tui.widgets.foreign_text import ForeignText


class ResponseCard(Vertical):
    """A card that is kept and shows one response after the other.

    The mark, the state and the number are widgets of their own, so that a toggle repaints a few
    cells and not the whole card.
    """

    # Textual would lay the whole screen out a second time whenever the height changes.
    virtual_size = Reactive(Size(0, 0), repaint=False)

    def __init__(self, slot: int) -> None:
        super().__init__()
        self.slot = slot
        self._card: Card | None = None
        self._painted: Card | None = None
        """The card whose text is on screen."""
        self._number = Static(f"{slot + 1:>2}", classes="number", markup=False)
        self._mark = Static(classes="mark", markup=False)
        self._state = Static(classes="state", markup=False)
        self._title = Horizontal(self._number, self._mark, self._state, classes="title")
        self._body = ForeignText(classes="body")

    def compose(self) -> ComposeResult:
        """Title above text."""
        yield self._title
        yield self._body

    @property
    def title(self) -> Horizontal:
        """The title line."""
        return self._title

    @property
    def card(self) -> Card | None:
        """What is shown."""
        return self._card

    @property
    def only_grows(self) -> bool:
        """Whether the text begins with all that is on screen; a new attempt's doesn't."""
        return self._card is not None and card_body(self._card).startswith(self._body.text)

    def set_current(self, current: bool) -> None:  # noqa: FBT001 (a reactive's value)
        """Show, or no longer show, that keys act on this card."""
        self._title.set_class(current, "-current")

    def show_title(self, card: Card) -> None:
        """Show a response's number, mark and state; its text follows with `show_text`.

        The sizes of these widgets don't depend on what they show: nothing has to be laid out anew.
        """
        old, self._card = self._card, card
        if old is None or mark_part(old) != mark_part(card):
            self._mark.update(Content.styled(*mark_part(card)), layout=False)
        if old is None or state_part(old) != state_part(card):
            self._state.update(Content.styled(*state_part(card)), layout=False)

    def show_text(self) -> bool:
        """Show the response's text as it is now; returns whether that changed anything."""
        if self._card is None or self._card is self._painted:
            return False
        self._painted = card = self._card
        text = card_body(card)
        is_other = text != self._body.text
        self._body.show(text)
        self._body.set_class(not card.usable or not card.text.strip(), "-unusable")
        return is_other
