"""Columns that the person names, for rows of no known shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec
from msgspec import Struct

from dpo_tui.domain.model import Message, Preference, Prompt, Ready
from dpo_tui.errors import InputError
from dpo_tui.inputs import found
from dpo_tui.prompts.shapes.candidates import Candidate
from dpo_tui.prompts.shapes.message_pairs import whole, with_system
from dpo_tui.prompts.shapes.shape import FIRST_IS_CHOSEN, Shape, Unfit, best_of, number, some
from dpo_tui.prompts.shapes.turns import answer, asked, conversation, turns_of
from dpo_tui.prompts.shapes.verdicts import better_of

_SEVERAL = ("responses", "scores")
_NAMES = ("prompt", "system", *_SEVERAL, "better", "chosen", "rejected", "reference", "id")
_REMEDY = (
    "For example --columns prompt=question,responses=answer_a+answer_b,better=winner or "
    "--columns prompt=question,chosen=good,rejected=bad"
)
_CHOSEN = (Preference(FIRST_IS_CHOSEN),)


class Columns(Struct, frozen=True):
    """Which columns of a row mean what; several can hold responses."""

    named: Mapping[str, tuple[str, ...]]

    @staticmethod
    def parse(text: str) -> Columns:
        """`prompt=COLUMN,responses=COLUMN+COLUMN,...` as it is written on the command line.

        Raises:
            InputError: it is something else.
        """
        named: dict[str, tuple[str, ...]] = {}
        for part in text.split(","):
            name, _, columns = part.strip().partition("=")
            if name not in _NAMES or not columns or ("+" in columns and name not in _SEVERAL):
                raise InputError(
                    f"--columns: expected NAME=COLUMN, found {part.strip()!r}; "
                    f"NAME is one of {', '.join(_NAMES)}",
                    remedy=_REMEDY,
                )
            named[name] = tuple(columns.split("+"))
        if "prompt" not in named:
            raise InputError("--columns: which column is the prompt?", remedy=_REMEDY)
        if ("chosen" in named) != ("rejected" in named):
            raise InputError("--columns: chosen and rejected go together", remedy=_REMEDY)
        if len(named.keys() & {"chosen", "better", "scores"}) > 1:
            raise InputError("--columns: chosen, better and scores exclude each other")
        responses = named.get("responses", ())
        if "better" in named and len(responses) < 2:
            raise InputError(
                "--columns: better says which of several columns of responses is the better one",
                remedy=_REMEDY,
            )
        if "scores" in named and len(named["scores"]) != len(responses):
            raise InputError(
                "--columns: scores are as many columns as there are of responses",
                remedy="For example --columns prompt=q,responses=a+b,scores=score_a+score_b",
            )
        return Columns(named)

    def shape(self) -> Shape:
        """The shape of rows with these columns."""
        title = "rows with the columns that were named"
        return Shape(
            "columns", title, dict[str, Any], self.prompt, named=tuple(chain(*self.named.values()))
        )

    def prompt(self, row: Mapping[str, Any]) -> Prompt:
        """What a row means.

        Raises:
            Unfit: nothing: a column that it takes is missing, or one holds something else.
        """
        name = self._value(row, "id")
        sides = [Ready(_side(self._needed(row, each), each)) for each in self._sides]
        given = [*self._responses(row)]
        columns = [column for column, _ in given]
        responses = [*sides, *(response for _, response in given)]
        return Prompt(
            whole(self._messages(row), [*self._before_sides(row)]),
            name=None if name is None else str(name),
            responses=some(responses, key="responses") if responses else (),
            preferences=_CHOSEN if sides else self._preferences(row, columns),
            reference=_optional_text(self._value(row, "reference"), "reference"),
        )

    @property
    def _sides(self) -> tuple[str, ...]:
        return ("chosen", "rejected") if "chosen" in self.named else ()

    def _before_sides(self, row: Mapping[str, Any]) -> Iterator[tuple[Message, ...]]:
        """The conversations that sides have before their last messages, where they have any."""
        for name in self._sides:
            match self._needed(row, name):
                case [_, _, *_] as turns:
                    yield conversation(turns_of(turns, name)[:-1], name)

    def _value(self, row: Mapping[str, Any], name: str) -> object:
        """What stands under a name; None if nothing does: files leave blanks out, or have null."""
        if name not in self.named:
            return None
        (column,) = self.named[name]
        return row.get(column)

    def _needed(self, row: Mapping[str, Any], name: str) -> object:
        (column,) = self.named[name]
        if column not in row:
            raise _missing(row, column)
        return row[column]

    def _messages(self, row: Mapping[str, Any]) -> tuple[Message, ...]:
        system = _optional_text(self._value(row, "system"), "system")
        value = self._needed(row, "prompt")
        if isinstance(value, list):
            return with_system(system, conversation(turns_of(value, "prompt"), "prompt"))
        return asked(system, _optional_text(value, "prompt"), "prompt")

    def _responses(self, row: Mapping[str, Any]) -> Iterator[tuple[str, Ready]]:
        """Each with the column that it stands in."""
        columns = self.named.get("responses", ())
        filled = [column for column in columns if row.get(column) is not None]
        if columns and not filled:
            raise _missing(row, columns[0])
        for column in filled:
            value = row[column]
            for each in value if isinstance(value, list) else [value]:
                yield column, _response(each, column)

    def _preferences(
        self, row: Mapping[str, Any], columns: Sequence[str]
    ) -> tuple[Preference, ...]:
        """What is said of the responses that stand in these columns."""
        if len(columns) < 2:  # the others are blank
            return ()
        if "scores" in self.named:
            scores = [*self._scores(row, Counter(columns))]
            return () if None in scores else (best_of(scores),)
        preference = better_of(columns, self._value(row, "better"), "better")
        return (preference,) if preference else ()

    def _scores(self, row: Mapping[str, Any], counts: Mapping[str, int]) -> Iterator[float | None]:
        """Those of the responses, of which each column holds so many."""
        for column, scored in zip(self.named["responses"], self.named["scores"], strict=True):
            value = row.get(scored)
            values = value if isinstance(value, list) else [value] * (value is not None)
            if values and len(values) != counts.get(column, 0):
                told = f"expected as many as responses, {counts.get(column, 0)}"
                raise Unfit(f"{told}; found {len(values)}", key=scored)
            yield from (_score(each, scored) for each in values or [None] * counts.get(column, 0))


def _missing(row: Mapping[str, Any], column: str) -> Unfit:
    there = ", ".join(map(repr, row))
    return Unfit(f"the column {column!r} is blank or missing; there are: {there}")


def _optional_text(value: object, key: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise Unfit(f"expected text, found {found(value)}", key=key)


def _score(value: object, key: str) -> float | None:
    """None for what is left blank, or not known (NaN)."""
    match value:
        case None | int() | float():
            return number(value)
        case str() if not value.strip():
            return None
        case str() if (score := number(value)) is not None:
            return score
    raise Unfit(f"expected a number, found {found(value)}", key=key)


def _side(value: object, key: str) -> str:
    """The text of an answer: as text, a message, or messages of which it is the last."""
    match value:
        case str():
            return value
        case [*_, dict() as last] | (dict() as last):
            return answer(turns_of([last], key)[0], key)
        case _:
            raise Unfit(f"expected text, found {found(value)}", key=key)


def _response(value: object, key: str) -> Ready:
    if isinstance(value, str):
        return Ready(value)
    try:
        return msgspec.convert(value, Candidate).ready(key)
    except msgspec.ValidationError as error:
        raise Unfit(f"expected text: {error}", key=key) from None
