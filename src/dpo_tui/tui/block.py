"""One card as lines: a title, the response below it, and a blank line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct, field

from dpo_tui.domain.model import State
from dpo_tui.service.sheet import Card
from dpo_tui.tui.title import MARK, title
from dpo_tui.tui.typeset import Line, Text, find, typeset

INDENT = 4
"""Cells that a response is indented by, below the number of its title."""
_MARGIN = 2
"""Cells left free on the right, so that a column doesn't touch the next one."""
_PEEK = 2
"""Lines shown of a response that is out of the way."""
_BITE = 200
"""Lines that are set in type in one go while nothing else is to be done."""
_INDENT = (" " * INDENT, "text")


class View(Struct, frozen=True):
    """How cards are to be shown."""

    width: int
    """Cells of one card."""
    raw: bool = False
    """Whether Markdown is shown as it is written."""
    whole: bool = False
    """Whether what is out of the way is shown whole too."""
    reasoning: frozenset[int] = field(default_factory=frozenset)
    """Slots whose reasoning is unfolded."""
    query: str = ""
    """What is searched for: where it occurs is marked."""

    @property
    def text_width(self) -> int:
        """Cells of a line of a response."""
        return max(8, self.width - INDENT - _MARGIN)


class Row(NamedTuple):
    """A line and the kind of style below all its spans, which fills the width of the card."""

    base: str
    line: Line


class Change(NamedTuple):
    """What other lines a block has after it was shown another card."""

    begin: int
    """The first line that is another one; 0 is the title."""
    end: int
    """The line behind the last one."""
    x: int = 0
    """The first cell that is another one, in all of these lines."""
    width: int | None = None
    """How many cells from there on; None: all."""
    resized: bool = False
    """Whether the block has another height."""


class Block:
    """A card's lines, set in type as far as they are needed."""

    def __init__(self, card: Card, view: View, body: Sequence[Line] | None = None) -> None:
        """`body` takes the place of the card's own text."""
        self.card = card
        self._view = view
        self._title = title(card, view.width)
        self._is_fixed = body is not None
        self._head: list[Row] = []
        """What stands between the title and the text."""
        self._shown = ""
        self._estimate = 0
        """How many lines the text may have, until all of it is set in type."""
        self._text = Text(view.text_width, raw=view.raw)
        self._lines: Sequence[Line] = body or ()
        """The text, as far as it is set in type."""
        self._matches: tuple[Sequence[Line], Sequence[Line], Sequence[int]] | None = None
        """Lines that were searched, the same with matches marked, and which have one."""
        self._tail: list[Row] = []
        self._is_complete = self._is_fixed
        if not self._is_fixed:
            self._take(card)

    @property
    def height(self) -> int:
        """Lines, the blank one included; estimated until all text is set in type."""
        known = len(self._lines)
        text = known if self._is_complete else max(known + 1, self._estimate)
        return 1 + len(self._head) + text + len(self._tail) + 1

    def settle(self, lines: int | None = None) -> bool:
        """Set the block in type up to a number of lines, or all; False if it was already."""
        if self._is_complete or (lines is not None and len(self._lines) >= lines):
            return False
        self._lines = self._text.lines if lines is None else self._text.first(lines)
        self._is_complete = self._text.is_complete
        return True

    def settle_more(self) -> bool:
        """Set some more lines in type; False if there are none left."""
        return self.settle(len(self._lines) + _BITE)

    @property
    def first_match(self) -> int | None:
        """The first line of the text, by its number, where what is searched for occurs."""
        matches = self._searched()[1]
        return 1 + len(self._head) + matches[0] if matches else None

    def _searched(self) -> tuple[Sequence[Line], Sequence[int]]:
        """The text with matches marked, and which of its lines have one."""
        if not self._view.query:
            return self._lines, ()
        if self._matches is None or self._matches[0] is not self._lines:
            self._matches = (self._lines, *find(self._lines, self._view.query))
        return self._matches[1:]

    def line(self, offset: int, *, is_current: bool) -> Row:
        """A line of the block by its number; blank behind the end."""
        if offset == 0:
            return Row("card.current" if is_current else "card", self._title)
        index = offset - 1
        if index < len(self._head):
            row = self._head[index]
        elif (index := index - len(self._head)) < len(self._lines):
            line = self._searched()[0][index]
            row = Row("body" if self.card.usable else "body.unusable", line)
        elif (index := index - len(self._lines)) < len(self._tail):
            row = self._tail[index]
        else:
            return Row("body", ())
        return Row(row.base, (_INDENT, *row.line))

    # --- changing -------------------------------------------------------------------------------

    def show(self, card: Card, *, is_seen: bool = True) -> list[Change]:
        """Show another state of the response; what has to be painted for it.

        Below the view nothing is set in type again: only the height is estimated anew.
        """
        before, self.card = self.card, card
        changes = []
        old, self._title = self._title, title(card, self._view.width)
        if old != self._title:
            changes.append(self._title_change(old))
        if not self._is_fixed and _body_of(before) != _body_of(card):
            changes += self._body_change(before) if is_seen else self._unseen_change()
        return changes

    def _title_change(self, old: Line) -> Change:
        """Only the cells of the mark, if nothing else of the title has changed."""
        rest = [span for span in old if not span[1].startswith(MARK.kind)]
        if rest == [span for span in self._title if not span[1].startswith(MARK.kind)]:
            return Change(0, 1, MARK.x, MARK.width)
        return Change(0, 1)

    def _unseen_change(self) -> list[Change]:
        height = self.height
        self._take(self.card)
        self._lines = () if self._shown else self._lines
        return [Change(1, max(height, self.height), resized=True)]

    def _body_change(self, old: Card) -> list[Change]:
        before, head, height = self._lines, self._head, self.height
        tail = self._tail
        self._take(self.card)
        self.settle()
        if len(head) != len(self._head) or tail != self._tail:
            begin = 1
        elif head != self._head:
            begin = 1 + next(i for i, row in enumerate(head) if row != self._head[i])
        else:
            begin = 1 + len(head)
            if old.usable == self.card.usable:
                begin += _common(before, self._lines)
        resized = self.height != height
        return [Change(begin, max(height, self.height), resized=resized)]

    def _take(self, card: Card) -> None:
        """Take over a card's text; what is set in type already is kept if the text only grows."""
        text, self._head = self._words(card), [*self._set_reason(card), *self._set_reasoning(card)]
        self._tail = []
        if self._is_collapsed(card):
            text, self._head = "", []
        elif card.folded and card.text.strip() and not self._view.whole:
            peek = Text(self._view.text_width, raw=True)
            peek.append(" ".join(text[: _PEEK * self._view.text_width].split()))
            self._lines, self._is_complete = peek.first(_PEEK)[:_PEEK], True
            self._shown = ""
            if len(text) > _PEEK * self._view.text_width:
                more = "… more in the reader"[: self._view.text_width]
                self._tail = [Row("body.unusable", ((more, "dim"),))]
            return
        if not (self._shown and text.startswith(self._shown)):
            self._text = Text(self._view.text_width, raw=self._view.raw)
            self._shown = ""
            self._lines = ()
        self._text.append(text[len(self._shown) :])
        self._shown = text
        width = self._view.text_width
        self._estimate = sum(1 + len(line) // width for line in text.split("\n"))
        self._is_complete = not text

    def _is_collapsed(self, card: Card) -> bool:
        """Whether the title says all: the response is the same as another one."""
        return card.folded and _is_copy(card) and not self._view.whole

    def _words(self, card: Card) -> str:
        return card.text.strip("\n") if card.text.strip() else _note(card)

    def _set_reason(self, card: Card) -> list[Row]:
        """Why a response that has text is no use."""
        if card.usable or not card.note or not card.text.strip():
            return []
        lines = typeset(card.note, self._view.text_width, raw=True)
        return [Row("body.unusable", line) for line in lines]

    def _set_reasoning(self, card: Card) -> list[Row]:
        if not card.reasoning.strip():
            return []
        if card.slot not in self._view.reasoning:
            words = len(card.reasoning.split())
            what = "thinking" if card.phase is not None and not card.text else "reasoning"
            return [Row("body.unusable", ((f"▸ {what}, {words:,} words", "dim"),))]
        lines = typeset(card.reasoning.strip("\n"), self._view.text_width - 2, raw=True)
        return [
            Row("body.unusable", (("▾ reasoning", "dim"),)),
            *(Row("body.unusable", (("│ ", "bar"), *line)) for line in lines),
            Row("body.unusable", ()),
        ]


def _note(card: Card) -> str:
    """Why there is no text to judge. Foreign text."""
    if card.phase is not None:
        return card.note
    if card.state is State.EMPTY and card.reasoning:
        return "(reasoning only, no answer)"
    return card.note or "(nothing)"


def _body_of(card: Card) -> tuple[object, ...]:
    """Whatever the lines below the title depend on."""
    said = card.text, card.reasoning, card.phase, card.state, card.note
    return *said, card.usable, card.folded, _is_copy(card)


def _is_copy(card: Card) -> bool:
    return card.twin is not None and card.twin.similarity == 1


def _common(one: Sequence[Line], other: Sequence[Line]) -> int:
    """How many lines the two have in common from the first on."""
    for index, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return index
    return min(len(one), len(other))
