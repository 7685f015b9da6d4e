"""What a shape is, and what all of them are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, get_origin

from msgspec import Struct

from dpo_tui.domain.model import MAX_RESPONSES, Mark, Message, Preference, Prompt, Ready


class Unfit(Exception):  # noqa: N818 - of one row, and counted: not an error yet
    """A row that has the fields of its shape and still means nothing."""

    def __init__(self, reason: str, *, key: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.key = key


def _none(_: object) -> Iterable[str]:
    return ()


class Shape(Struct, frozen=True):
    """The rows of one kind of file."""

    name: str
    """As the command line has it."""
    title: str
    """As people know it."""
    row: Any
    """The type of a row, in msgspec's terms: what it requires tells the shape from others."""
    prompt: Callable[[Any], Prompt]
    """What a row of that type means; raises `Unfit` if nothing."""
    plain_row: Any = None
    """A type for most rows that is quicker to read, and that `prompt` takes too."""
    named: tuple[str, ...] = ()
    """The columns that a person named."""
    unused_questions: Callable[[Any], Iterable[str]] = _none
    """What was asked about the responses of a row and doesn't count; raises `Unfit` too."""

    @property
    def fields(self) -> frozenset[str]:
        """The columns that are looked at; empty if that follows from the row."""
        row = get_origin(self.row) or self.row
        return frozenset(self.named or getattr(row, "__struct_encode_fields__", ()))


FIRST_IS_CHOSEN: Mapping[int, Mark] = {0: Mark.CHOSEN, 1: Mark.REJECTED}
SECOND_IS_CHOSEN: Mapping[int, Mark] = {0: Mark.REJECTED, 1: Mark.CHOSEN}
TIE = Preference({})

_PAIR = (Preference(FIRST_IS_CHOSEN),)
_TIES = (TIE,)


def pair(
    messages: tuple[Message, ...],
    chosen: str,
    rejected: str,
    *,
    models: tuple[str | None, str | None] = (None, None),
    scores: tuple[float | None, float | None] = (None, None),
    strength: int | None = None,
) -> Prompt:
    """A prompt with two responses of which the first is better, unless their scores are equal."""
    is_tie = scores[0] is not None and scores[0] == scores[1]
    if strength and not is_tie:
        preferences = (Preference(FIRST_IS_CHOSEN, strength),)
    else:
        preferences = _TIES if is_tie else _PAIR
    return Prompt(
        messages,
        responses=(Ready(chosen, models[0]), Ready(rejected, models[1])),
        preferences=preferences,
    )


def compared(messages: tuple[Message, ...], responses: tuple[Ready, Ready], leaning: int) -> Prompt:
    """A prompt with two responses: the first is better if `leaning` is negative, by so much."""
    marks = FIRST_IS_CHOSEN if leaning < 0 else SECOND_IS_CHOSEN
    strength = min(abs(leaning), 3)
    preference = Preference(marks, strength) if leaning else TIE
    return Prompt(messages, responses=responses, preferences=(preference,))


def best_of(scores: Sequence[float | None], *, by: str = "") -> Preference:
    """Those with the highest score are chosen, the others rejected; no score, no mark."""
    known = {score for score in scores if score is not None}
    if len(known) < 2:
        return Preference({}, by=by)
    best = max(known)
    if len(scores) == 2 and scores[0] == best:
        return Preference(FIRST_IS_CHOSEN, by=by)
    return Preference(
        {
            index: Mark.CHOSEN if score == best else Mark.REJECTED
            for index, score in enumerate(scores)
            if score is not None
        },
        by=by,
    )


def some(responses: Sequence[Ready], *, key: str) -> tuple[Ready, ...]:
    """These responses.

    Raises:
        Unfit: there are none, or more than a group can have.
    """
    if not 0 < len(responses) <= MAX_RESPONSES:
        raise Unfit(f"expected 1 to {MAX_RESPONSES} responses, found {len(responses)}", key=key)
    return tuple(responses)
