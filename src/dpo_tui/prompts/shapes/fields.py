"""Fields that people name themselves: what was asked, and answers that are numbered or lettered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from dpo_tui.domain.model import Message, Prompt, Ready
from dpo_tui.prompts.shapes.message_pairs import with_system
from dpo_tui.prompts.shapes.shape import Shape, Unfit, some
from dpo_tui.prompts.shapes.text_pairs import instructed
from dpo_tui.prompts.shapes.turns import conversation, turns_of

_QUESTIONS = ("prompt", "instruction", "question", "input", "query", "messages", "chat", "text")
_SYSTEM = ("system", "system_prompt")
_ANSWER = re.compile(
    r"(response|answer|completion|generation|output|option)([-_ ]?\d+|[-_ ][A-Za-z]|[A-Z])"
)


def question(fields: Mapping[str, Any]) -> tuple[Message, ...]:
    """What was asked.

    Raises:
        Unfit: no field has one of the usual names.
    """
    given = (fields.get(each) for each in _SYSTEM)
    system = next((each for each in given if isinstance(each, str) and each), None)
    key = _asked_in(fields)
    value = fields[key]
    if isinstance(value, str):
        return instructed(value, _more(fields, key), system, None, key)
    return with_system(system, conversation(turns_of(value, key), key))


def _more(fields: Mapping[str, Any], key: str) -> str | None:
    """What an instruction is about, as Alpaca's rows have it."""
    more = fields.get("input") if key == "instruction" else None
    return more if isinstance(more, str) else None


def _asked_in(fields: Mapping[str, Any]) -> str:
    for key in _QUESTIONS:
        if isinstance(fields.get(key), str | list):
            return key
    raise Unfit(f"none of the fields is one of {', '.join(_QUESTIONS)}")


def answers(fields: Mapping[str, Any]) -> tuple[list[str], tuple[Ready, ...]]:
    """The names of the fields that are answers, and the answers.

    Raises:
        Unfit: there are none, or too many.
    """
    found = {
        key: value
        for key, value in fields.items()
        if isinstance(value, str) and _ANSWER.fullmatch(key)
    }
    return [*found], some([Ready(each) for each in found.values()], key="answer1, answer2")


def _numbered(row: dict[str, Any]) -> Prompt:
    return Prompt(question(row), responses=answers(row)[1])


def _columns(row: dict[str, Any]) -> Iterable[str]:
    key = _asked_in(row)
    more = ("input",) if _more(row, key) is not None else ()
    return key, *more, *_SYSTEM, *answers(row)[0]


SHAPES = (
    Shape(
        "numbered",
        "prompts with numbered answers",
        dict[str, Any],
        _numbered,
        columns_of=_columns,
    ),
)
