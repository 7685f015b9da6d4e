"""One answer with a yes or no, as unpaired training wants it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic

from msgspec import Struct

from dpo_tui.domain.model import Mark, Message, Preference, Prompt, Ready
from dpo_tui.inputs import found
from dpo_tui.prompts.shapes.message_pairs import answered, with_system
from dpo_tui.prompts.shapes.shape import Shape, Unfit
from dpo_tui.prompts.shapes.turns import T, Turn, asked, conversation, only_answer

Label = bool | float | str

_GOOD = (Preference({0: Mark.CHOSEN}),)
_BAD = (Preference({0: Mark.REJECTED}),)
_PREFERENCES: Mapping[Label, tuple[Preference]] = {
    1: _GOOD,  # and true, which is the same key
    "1": _GOOD,
    "1.0": _GOOD,
    "true": _GOOD,
    0: _BAD,
    "0": _BAD,
    "0.0": _BAD,
    "false": _BAD,
}


class Kto(Struct, Generic[T]):
    """TRL's KTO rows."""

    prompt: list[T] | str
    completion: list[T] | str
    label: Label
    system: str | None = None


def _kto(row: Kto[T]) -> Prompt:
    messages = (
        asked(None, row.prompt, "prompt")
        if isinstance(row.prompt, str)
        else conversation(row.prompt, "prompt")
    )
    completion = row.completion
    text = completion if isinstance(completion, str) else only_answer(completion, "completion")
    return _labelled(with_system(row.system, messages), text, label=row.label)


class SwiftKto(Struct, Generic[T]):
    """ms-swift's KTO rows."""

    messages: list[T] | str
    label: Label
    system: str | None = None


def _swift_kto(row: SwiftKto[T]) -> Prompt:
    return _labelled(*answered(row.messages, "messages", row.system), label=row.label)


def _labelled(messages: tuple[Message, ...], text: str, *, label: Label) -> Prompt:
    preferences = _PREFERENCES.get(label.lower() if isinstance(label, str) else label)
    if preferences is None:
        raise Unfit(f"expected true or false, found {found(label)}", key="label")
    return Prompt(messages, responses=(Ready(text),), preferences=preferences)


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
