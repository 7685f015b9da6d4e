"""The title of a card: its number, its mark, and what else is to be known before reading."""

from __future__ import annotations

from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from dpo_tui.display import display_line
from dpo_tui.domain.model import Mark, Origin, State
from dpo_tui.service.live import Phase
from dpo_tui.service.sheet import Card
from dpo_tui.tui.typeset import Line, Span
from dpo_tui.words import plural


class _Field(NamedTuple):
    """A place in every title that has the same cells, whatever stands there."""

    x: int
    width: int
    kind: str


NUMBER = _Field(0, 4, "card.number")
MARK = _Field(4, 12, "mark")

_MARKS: dict[Mark | None, Span] = {
    Mark.CHOSEN: ("✔ chosen", "mark.chosen"),
    Mark.EXCLUDED: ("✖ excluded", "mark.excluded"),
    Mark.REJECTED: ("○ rejected", "mark.rejected"),
    None: ("○ unmarked", "mark.none"),
}
_BEST = ("★ best", "mark.best")
_STATES: dict[State, Span] = {
    State.COMPLETE: ("", "dim"),
    State.CUT_OFF: ("cut off at the token limit", "warning"),
    State.EMPTY: ("empty", "warning"),
    State.FAILED: ("failed", "error"),
    State.ABORTED: ("broke off", "error"),
}
_ORIGINS = {Origin.EDITED: "edited", Origin.WRITTEN: "written", Origin.READY: "", Origin.MODEL: ""}

_LEAST = 4
"""Cells below which a part of a title tells nothing."""


def title(card: Card, width: int) -> Line:
    """A title of `width` cells: where not all fits, what stands last on the left is cut."""
    if not card.number:
        return (("  reference", "card.number"),)
    mark, mark_kind = _BEST if card.best else _MARKS[card.mark]
    head = (
        (f"{card.number:>2}  ", NUMBER.kind),
        (set_cell_size(mark, MARK.width), mark_kind),
    )
    room = max(0, width - NUMBER.width - MARK.width - 1)
    state, kind = state_span(card)
    state = _cut(state, room)
    facts = _cut("  ".join(_facts(card)), room - cell_len(state) - (2 if state else 0))
    gap = room - cell_len(facts) - cell_len(state)
    return (*head, (facts, "dim"), (" " * gap, "dim"), (state, kind))


def _cut(text: str, width: int) -> str:
    """As much as fits, with a sign where something is left out; less than a word is nothing."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1) + "…" if width >= _LEAST else ""


def _facts(card: Card) -> list[str]:
    facts = []
    is_copy = card.twin is not None and card.twin.similarity == 1
    if card.twin:
        # Rounded down: what is nearly the same is not the same.
        near = f"≈ {card.twin.number} ({int(card.twin.similarity * 100)}%)"
        facts.append(f"the same as {card.twin.number}" if is_copy else near)
    if card.copies > 1 and not is_copy:
        facts.append(f"{card.copies} times")
    if card.origin and _ORIGINS[card.origin]:
        facts.append(_ORIGINS[card.origin])
    elif card.source:
        facts.append(display_line(card.source))
    return facts


def state_span(card: Card) -> Span:
    """How far a response has come, or how it ended, or how long it is."""
    if card.phase is not None:
        return card.phase.value, "streaming" if card.phase is Phase.STREAMING else "dim"
    text, kind = _STATES[card.state or State.COMPLETE]
    if not text and card.tokens is not None:
        return plural(card.tokens, "token"), "dim"
    return text, kind
