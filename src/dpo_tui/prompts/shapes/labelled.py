"""One answer with a yes or no, as unpaired training wants it."""

from __future__ import annotations

from typing import Generic

from msgspec import Struct

from dpo_tui.domain.model import Mark, Message, Preference, Prompt, Ready
from dpo_tui.prompts.shapes.message_pairs import answered
from dpo_tui.prompts.shapes.shape import Shape
from dpo_tui.prompts.shapes.turns import T, Turn, asked, conversation, only_answer

_GOOD = (Preference({0: Mark.CHOSEN}),)
_BAD = (Preference({0: Mark.REJECTED}),)


class Kto(Struct, Generic[T]):
    """TRL's KTO rows."""

    prompt: list[T] | str
    completion: list[T] | str
    label: bool


def _kto(row: Kto[T]) -> Prompt:
    messages = (
        asked(None, row.prompt, "prompt")
        if isinstance(row.prompt, str)
        else conversation(row.prompt, "prompt")
    )
    completion = row.completion
    text = completion if isinstance(completion, str) else only_answer(completion, "completion")
    return _labelled(messages, text, label=row.label)


class SwiftKto(Struct, Generic[T]):
    """ms-swift's KTO rows."""

    messages: list[T] | str
    label: bool


def _swift_kto(row: SwiftKto[T]) -> Prompt:
    return _labelled(*answered(row.messages, "messages"), label=row.label)


def _labelled(messages: tuple[Message, ...], text: str, *, label: bool) -> Prompt:
    return Prompt(messages, responses=(Ready(text),), preferences=_GOOD if label else _BAD)


SHAPES = (
    Shape(
        "trl-kto",
        "TRL answers with a label (prompt, completion, label)",
        Kto[Turn],
        _kto,
        Kto[Message],
    ),
    Shape(
        "swift-kto",
        "ms-swift answers with a label (messages, label)",
        SwiftKto[Turn],
        _swift_kto,
        SwiftKto[Message],
    ),
)
