"""One answer with a yes or no, as unpaired training wants it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic

from dpo_tui.domain.model import Mark, Message, Preference, Prompt, Ready
from dpo_tui.inputs import found
from dpo_tui.prompts.shapes.instructed import Alpaca, ShareGpt
from dpo_tui.prompts.shapes.message_pairs import answered, whole, with_system
from dpo_tui.prompts.shapes.shape import Shape, Unfit
from dpo_tui.prompts.shapes.text_pairs import instructed
from dpo_tui.prompts.shapes.turns import (
    T,
    Turn,
    WithSystem,
    answer,
    asked,
    conversation,
    only_answer,
)

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


class Kto(WithSystem, Generic[T]):
    """TRL's KTO rows."""

    prompt: list[T] | str
    completion: list[T] | str
    label: Label


def _kto(row: Kto[T]) -> Prompt:
    messages = (
        asked(None, row.prompt, "prompt")
        if isinstance(row.prompt, str)
        else conversation(row.prompt, "prompt")
    )
    messages, text = _completed(messages, row.completion)
    return _labelled(with_system(row.system_says, messages), text, label=row.label)


def _completed(
    messages: tuple[Message, ...], completion: Sequence[T] | str
) -> tuple[tuple[Message, ...], str]:
    """The prompt and the answer; Argilla's have the whole conversation again before the answer."""
    if isinstance(completion, str):
        return messages, completion
    if len(completion) < 2:
        return messages, only_answer(completion, "completion")
    before = conversation(completion[:-1], "completion")
    return whole(messages, [before], "completion"), answer(completion[-1], "completion")


class SwiftKto(WithSystem, Generic[T]):
    """ms-swift's KTO rows."""

    messages: list[T] | str
    label: Label


def _swift_kto(row: SwiftKto[T]) -> Prompt:
    return _labelled(*answered(row.messages, "messages", row.system_says), label=row.label)


class AlpacaKto(Alpaca, kw_only=True):
    """LLaMA-Factory's alpaca with a tag."""

    kto_tag: Label


def _alpaca_kto(row: AlpacaKto) -> Prompt:
    messages = instructed(row.instruction, row.input, row.system_says, row.history)
    return _labelled(messages, row.output, label=row.kto_tag, key="kto_tag")


class ShareGptKto(ShareGpt, kw_only=True):
    """LLaMA-Factory's sharegpt with a tag."""

    kto_tag: Label


def _sharegpt_kto(row: ShareGptKto) -> Prompt:
    if not row.conversations:
        raise Unfit("expected messages, found none", key="conversations")
    *before, last = row.conversations
    messages = with_system(row.system_says, conversation(before, "conversations"))
    text = answer(last, "conversations")
    return _labelled(messages, text, label=row.kto_tag, key="kto_tag")


def _labelled(
    messages: tuple[Message, ...], text: str, *, label: Label, key: str = "label"
) -> Prompt:
    preferences = _PREFERENCES.get(label.lower() if isinstance(label, str) else label)
    if preferences is None:
        raise Unfit(f"expected true or false, found {found(label)}", key=key)
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
    Shape(
        "llamafactory-alpaca-kto",
        "LLaMA-Factory answers with a tag (Alpaca, kto_tag)",
        AlpacaKto,
        _alpaca_kto,
    ),
    Shape(
        "llamafactory-sharegpt-kto",
        "LLaMA-Factory answers with a tag (ShareGPT, kto_tag)",
        ShareGptKto,
        _sharegpt_kto,
    ),
)
