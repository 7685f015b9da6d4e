"""Argilla: records of version 2 as JSON or flattened, and datasets of version 1."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from dpo_tui.domain.model import Preference, Prompt
from dpo_tui.inputs import found
from dpo_tui.prompts.shapes.fields import answers, question
from dpo_tui.prompts.shapes.shape import Shape, Unfit, best_of, first_of

_NOT_SAID = frozenset({"discarded", "draft", "pending"})

_Answers = Mapping[str, Iterable[tuple[object, str]]]
"""By question, the values that were given to it and by whom."""


def _normal(name: str) -> str:
    """A name without what people write in it or not: `response-1` is `response1`."""
    return re.sub(r"[^0-9a-z]", "", name.lower())


class _Judged:
    """A record: what was asked, the responses by name, and what was said of them.

    What people said counts, and what was suggested only where nobody said anything; of several
    questions about which response is better, the first: another one asks for something else.
    """

    def __init__(self, fields: Mapping[str, Any], said: _Answers, suggested: _Answers) -> None:
        self._messages = question(fields)
        names, self._responses = answers(fields)
        self._names = [_normal(each) for each in names]
        self._said = self._preferences(said)
        self._suggested = self._preferences(suggested)

    def prompt(self) -> Prompt:
        """The prompt with the preferences that count."""
        preferences = next(iter((self._said or self._suggested).values()), ())
        return Prompt(self._messages, responses=self._responses, preferences=preferences)

    def unused(self) -> Iterator[str]:
        """The questions whose preferences don't count."""
        _, *others = self._said or self._suggested or [""]
        yield from others
        if self._said:
            yield from (f"{each} (suggested)" for each in self._suggested)

    def _preferences(self, answers: _Answers) -> dict[str, tuple[Preference, ...]]:
        """By question, of those that ask which response is better."""
        found = {
            each: tuple(filter(None, (self._preference(value, by) for value, by in given)))
            for each, given in answers.items()
        }
        return {each: preferences for each, preferences in found.items() if preferences}

    def _preference(self, value: object, by: str) -> Preference | None:
        """None for the answer to a question that isn't about which response is better."""
        ranks = _ranks(value)
        places = [ranks.get(name) for name in self._names]
        if not any(place is not None for place in places):
            return None
        if len(ranks) == 1:
            # One name was picked: it is better than all the others.
            return best_of([0.0 if place is None else 1.0 for place in places], by=by)
        return first_of(places, by=by)


def _ranks(value: Any) -> dict[str, float]:  # noqa: ANN401 - questions ask for any shape
    """Places by normal name, 1 for the best; nothing for another kind of value."""
    pairs: Iterable[tuple[Any, Any]]
    match value:
        case str():
            return {_normal(value): 1.0}
        case {"rank": [*ranks], "value": [*names]} if len(ranks) == len(names):
            pairs = zip(names, ranks, strict=True)
        case [str(), *_]:
            pairs = zip(value, range(1, len(value) + 1), strict=True)
        case [{"rank": _, "value": _}, *_]:
            pairs = (
                (each.get("value"), each.get("rank")) for each in value if isinstance(each, dict)
            )
        case _:
            return {}
    return {
        _normal(name): float(rank)
        for name, rank in pairs
        if isinstance(name, str) and isinstance(rank, int | float)
    }


# --- version 2 -----------------------------------------------------------------------------------


class Response(Struct):
    """What one annotator said to one question."""

    value: Any = None
    user_id: str | None = None
    status: str | None = None


class Suggestion(Struct):
    """What a model or program proposed."""

    value: Any = None
    agent: str | None = None


class Record(Struct):
    """A record as `records.to_json` writes it."""

    fields: dict[str, Any]
    responses: dict[str, list[Response]]
    suggestions: dict[str, Suggestion] = {}


def _record(row: Record) -> _Judged:
    said = {
        name: [(each.value, each.user_id or "") for each in given if each.status not in _NOT_SAID]
        for name, given in row.responses.items()
    }
    suggested = {
        name: [(each.value, each.agent or "suggestion")] for name, each in row.suggestions.items()
    }
    return _Judged(row.fields, said, suggested)


def _flat(row: dict[str, Any]) -> _Judged:
    """A record as `records.to_datasets` writes it: `question.responses`, `question.suggestion`."""
    questions = [each.removesuffix(".responses") for each in row if each.endswith(".responses")]
    if not questions:
        raise Unfit("there is no column such as question.responses")
    said = {each: _flat_said(row, each) for each in questions}
    suggested = {
        each: [(value, str(row.get(f"{each}.suggestion.agent") or "suggestion"))]
        for each in questions
        if (value := row.get(f"{each}.suggestion")) is not None
    }
    return _Judged(row, said, suggested)


def _flat_said(row: Mapping[str, Any], question: str) -> Iterator[tuple[object, str]]:
    values = row.get(f"{question}.responses")
    if isinstance(values, list):
        users = _beside(values, row.get(f"{question}.responses.users"))
        states = _beside(values, row.get(f"{question}.responses.status"))
        for value, user, state in zip(values, users, states, strict=True):
            if str(state) not in _NOT_SAID:
                yield value, str(user or "")


def _beside(values: Sequence[object], others: object) -> Sequence[object]:
    is_parallel = isinstance(others, list) and len(others) == len(values)
    return others if is_parallel and isinstance(others, list) else [None] * len(values)


# --- version 1 -----------------------------------------------------------------------------------


def _first(row: dict[str, Any]) -> _Judged:
    """A row of a version 1 dataset: a list of answers by column, and `...-suggestion` beside it."""
    questions = [
        key
        for key, value in row.items()
        if f"{key}-suggestion" in row and isinstance(value, list | None)
    ]
    if not questions:
        raise Unfit("there is no column with one named ...-suggestion beside it")
    fields = {key: value for key, value in row.items() if key not in questions}
    said = {each: _first_said(row, each) for each in questions}
    suggested = {each: [(row[f"{each}-suggestion"], "suggestion")] for each in questions}
    return _Judged(fields, said, suggested)


def _first_said(row: Mapping[str, Any], question: str) -> Iterator[tuple[object, str]]:
    for each in row[question] or ():
        if not isinstance(each, dict):
            raise Unfit(f"expected a table, found {found(each)}", key=question)
        if str(each.get("status")) not in _NOT_SAID:
            yield each.get("value"), str(each.get("user_id") or "")


def _shape(name: str, title: str, row: Any, judged: Callable[[Any], _Judged]) -> Shape:  # noqa: ANN401 - a type of msgspec
    prompt, unused = partial(_prompt, judged), partial(_unused, judged)
    return Shape(name, title, row, prompt, unused_questions=unused)


def _prompt(judged: Callable[[Any], _Judged], row: object) -> Prompt:
    return judged(row).prompt()


def _unused(judged: Callable[[Any], _Judged], row: object) -> Iterable[str]:
    return judged(row).unused()


SHAPES = (
    _shape("argilla", "Argilla records", Record, _record),
    _shape("argilla-flat", "Argilla records, flattened", dict[str, Any], _flat),
    _shape("argilla-1", "Argilla 1 records", dict[str, Any], _first),
)
