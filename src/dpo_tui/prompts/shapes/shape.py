"""What a shape is, and what all of them are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite, nan
from typing import Any, get_origin

from msgspec import Struct

from dpo_tui.domain.model import MAX_RESPONSES, Mark, Message, Preference, Prompt, Ready
from dpo_tui.inputs import found


class Unfit(Exception):  # noqa: N818 - of one row, and counted: not an error yet
    """A row that has the fields of its shape and still means nothing."""

    def __init__(self, reason: str, *, key: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.key = key


Score = float | bool | str | None
"""A number in any of the ways that files have one: CSV makes text of it, pandas a float."""


def number(score: Score) -> float | None:
    """The number that a value is or spells; None where it is none, as NaN or `N/A`."""
    try:
        value = nan if score is None else float(score)
    except (ValueError, TypeError):
        return None
    return value if isfinite(value) else None


def _none(_: object) -> Iterable[str]:
    return ()


class Unkept(Unfit):
    """A row of its shape, with something in it that would get lost."""


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

    columns_of: Callable[[Any], Iterable[str]] | None = None
    """The columns that are looked at, where they follow from the row; raises `Unfit` too."""

    @property
    def fields(self) -> frozenset[str]:
        """The columns that may be looked at; empty if that follows from the row."""
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
    scores: tuple[Score, Score] = (None, None),
    strength: int | None = None,
    is_tie: bool = False,
) -> Prompt:
    """A prompt with two responses of which the first is better, unless their scores are equal."""
    score = None if scores[0] is None else number(scores[0])
    is_tie = is_tie or (score is not None and score == number(scores[1]))
    if strength and not is_tie:
        preferences = (Preference(FIRST_IS_CHOSEN, strength),)
    else:
        preferences = _TIES if is_tie else _PAIR
    return Prompt(
        messages,
        responses=(Ready(chosen, models[0]), Ready(rejected, models[1])),
        preferences=preferences,
    )


def compared(
    messages: tuple[Message, ...], responses: tuple[Ready, Ready], leaning: Score, key: str
) -> Prompt:
    """A prompt with two responses: the first is better if `leaning` is negative, by so much.

    Raises:
        Unfit: `leaning`, which stands at `key`, is text that spells no number.
    """
    lean = number(leaning)
    if lean is None:
        if isinstance(leaning, str) and leaning.strip():
            raise Unfit(f"expected a number, found {found(leaning)}", key=key)
        return Prompt(messages, responses=responses)
    marks = FIRST_IS_CHOSEN if lean < 0 else SECOND_IS_CHOSEN
    strength = min(max(round(abs(lean)), 1), 3)
    preference = Preference(marks, strength) if lean else TIE
    return Prompt(messages, responses=responses, preferences=(preference,))


def first_of(places: Sequence[Score], *, by: str = "") -> Preference:
    """Those with the lowest place are chosen, the others rejected; no place, no mark."""
    numbers = map(number, places)
    return best_of([None if each is None else -each for each in numbers], by=by)


def best_of(values: Sequence[Score], *, by: str = "") -> Preference:
    """Those with the highest score are chosen, the others rejected; no score, no mark."""
    scores = [*map(number, values)]
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
