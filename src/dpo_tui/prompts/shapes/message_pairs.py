"""Pairs of a chosen and a rejected answer to a conversation that is a list of messages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Generic

import msgspec
from msgspec import Struct, field

from dpo_tui.domain.model import Message, Prompt
from dpo_tui.prompts.shapes.shape import Score, Shape, Unfit, number, pair
from dpo_tui.prompts.shapes.turns import (
    Spoken,
    T,
    Turn,
    WithSystem,
    answer,
    asked,
    conversation,
    only_answer,
)

_STRENGTHS: dict[float | None, int] = {1.0: 1, 2.0: 2, 3.0: 3}
_MESSAGES = msgspec.json.Decoder(list[Turn])


class Explicit(WithSystem, Generic[T]):
    """TRL with the prompt apart."""

    prompt: list[T]
    chosen: list[T]
    rejected: list[T]


def _explicit(row: Explicit[T]) -> Prompt:
    messages = with_system(row.system_says, conversation(row.prompt, "prompt"))
    if len(row.chosen) < 2 and len(row.rejected) < 2:
        good, bad = only_answer(row.chosen, "chosen"), only_answer(row.rejected, "rejected")
        return pair(messages, good, bad)
    # Some have the prompt in both conversations, too, where TRL would train on it.
    sides = (("chosen", row.chosen), ("rejected", row.rejected))
    before = [conversation(turns[:-1], key) for key, turns in sides if len(turns) > 1]
    good, bad = (only_answer(turns[-1:], key) for key, turns in sides)
    return pair(whole(messages, before), good, bad)


class Implicit(WithSystem, Generic[T]):
    """TRL with the prompt in both conversations, and what others add to it."""

    chosen: list[T]
    rejected: list[T]
    prompt: str | None = None
    margin: Score = None
    """How far apart reward models should hold them: our strength, where it is one."""
    score_chosen: Score = None
    score_rejected: Score = None
    chosen_rating: Score = field(default=None, name="chosen-rating")
    rejected_rating: Score = field(default=None, name="rejected-rating")
    chosen_model: str | None = field(default=None, name="chosen-model")
    rejected_model: str | None = field(default=None, name="rejected-model")
    # The same under other names, of files that can have anything else there.
    chosen_also_rated: Any = field(default=None, name="chosen_rating")
    rejected_also_rated: Any = field(default=None, name="rejected_rating")
    chosen_score: Any = None
    rejected_score: Any = None
    rating_chosen: Any = None
    rating_rejected: Any = None
    chosen_by: Any = field(default=None, name="chosen_model")
    rejected_by: Any = field(default=None, name="rejected_model")


class Binarized(Implicit[T], Generic[T]):
    """UltraFeedback in pairs: the prompt is there as text too."""

    prompt: str


def _implicit(row: Implicit[T]) -> Prompt:
    if not row.chosen or not row.rejected:
        raise Unfit("expected messages, found none", key="rejected" if row.chosen else "chosen")
    *before, good = row.chosen
    *also_before, bad = row.rejected
    if before != also_before:
        raise Unfit("the conversations differ before their last messages", key="rejected")
    messages = conversation(before, "chosen") if before else asked(None, row.prompt, "prompt")
    return pair(
        with_system(row.system_says, messages),
        answer(good, "chosen"),
        answer(bad, "rejected"),
        models=(
            _name(row.chosen_model or row.chosen_by),
            _name(row.rejected_model or row.rejected_by),
        ),
        scores=_scores(row),
        strength=_STRENGTHS.get(number(row.margin)) if row.margin else None,
    )


def _scores(row: Implicit[T]) -> tuple[Score, Score]:
    """Those of the two sides, under whichever names they stand."""
    for scores in (
        (row.chosen_rating, row.rejected_rating),
        (row.score_chosen, row.score_rejected),
        (row.chosen_also_rated, row.rejected_also_rated),
        (row.chosen_score, row.rejected_score),
        (row.rating_chosen, row.rating_rejected),
    ):
        if scores[0] is not None:
            return scores
    return None, None


def _name(model: object) -> str | None:
    return model if isinstance(model, str) else None


def _implicit_columns(row: Implicit[T]) -> Iterable[str]:
    """All but a margin that is no strength."""
    margin = number(row.margin)
    is_kept = not margin or margin in _STRENGTHS
    return (each for each in row.__struct_encode_fields__ if is_kept or each != "margin")


class Swift(WithSystem, Generic[T]):
    """ms-swift: the conversation ends with the chosen answer."""

    messages: list[T] | str
    rejected_response: str | list[T]


class OpenPipe(WithSystem, Generic[T]):
    """The same with a rejected message."""

    messages: list[T] | str
    rejected_message: T


class SwiftMessages(WithSystem, Generic[T]):
    """ms-swift with two conversations."""

    messages: list[T] | str
    rejected_messages: list[T] | str


def _swift(row: Swift[T]) -> Prompt:
    messages, chosen = answered(row.messages, "messages", row.system_says)
    if isinstance(row.rejected_response, str):
        return pair(messages, chosen, row.rejected_response)
    return pair(messages, chosen, only_answer(row.rejected_response, "rejected_response"))


def _openpipe(row: OpenPipe[T]) -> Prompt:
    messages, chosen = answered(row.messages, "messages", row.system_says)
    return pair(messages, chosen, answer(row.rejected_message, "rejected_message"))


def _swift_messages(row: SwiftMessages[T]) -> Prompt:
    system = row.system_says
    messages, chosen = answered(row.messages, "messages", system)
    others, rejected = answered(row.rejected_messages, "rejected_messages", system)
    if messages != others:
        raise Unfit("the conversations differ before their last messages", key="rejected_messages")
    return pair(messages, chosen, rejected)


def answered(
    turns: list[T] | str, key: str, system: str | None = None
) -> tuple[tuple[Message, ...], str]:
    """The prompt and the answer at its end; the messages may be JSON in a text.

    `system` is what the system says if the messages don't have it.

    Raises:
        Unfit: they are something else.
    """
    messages = _parsed(turns, key) if isinstance(turns, str) else turns
    if not messages:
        raise Unfit("expected messages, found none", key=key)
    return with_system(system, conversation(messages[:-1], key)), answer(messages[-1], key)


def _parsed(text: str, key: str) -> list[Turn]:
    with suppress(ValueError, RecursionError):
        return _MESSAGES.decode(text)
    with suppress(ValueError, RecursionError):
        # msgspec refuses lone surrogates, which models do write.
        return msgspec.convert(json.loads(text), list[Turn])
    raise Unfit("expected messages, found other text", key=key)


class Axolotl(WithSystem, Generic[T]):
    """axolotl's chat_template.default."""

    messages: list[T] | str
    chosen: T | str
    rejected: T | str


def _axolotl(row: Axolotl[T]) -> Prompt:
    messages = (
        asked(None, row.messages, "messages")
        if isinstance(row.messages, str)
        else conversation(row.messages, "messages")
    )
    messages = with_system(row.system_says, messages)
    return pair(messages, _said(row.chosen, "chosen"), _said(row.rejected, "rejected"))


def _said(side: T | str, key: str) -> str:
    return side if isinstance(side, str) else answer(side, key)


class ShareGpt(WithSystem):
    """LLaMA-Factory's sharegpt."""

    conversations: list[Spoken]
    chosen: Spoken
    rejected: Spoken


def _sharegpt(row: ShareGpt) -> Prompt:
    return pair(
        with_system(row.system_says, conversation(row.conversations, "conversations")),
        answer(row.chosen, "chosen"),
        answer(row.rejected, "rejected"),
    )


def with_system(system: str | None, messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The messages, behind a system message that stands elsewhere unless they have one.

    ms-swift does the same.
    """
    if system and system.strip() and messages[0].role != "system":
        return (Message("system", system), *messages)
    return messages


def whole(
    messages: tuple[Message, ...],
    before_sides: Sequence[tuple[Message, ...]],
    key: str = "chosen",
) -> tuple[Message, ...]:
    """The prompt, or the conversation before the sides, of which it can be a part.

    They stand at `key`.

    Raises:
        Unfit: it is no part of it, or these conversations differ.
    """
    if not before_sides:
        return messages
    before, *others = before_sides
    if any(each != before for each in others):
        raise Unfit("the conversations differ before their last messages", key="rejected")
    said = {(each.role, each.content.strip()) for each in before}
    first, *rest = messages
    own = rest if first.role == "system" else messages
    if any((each.role, each.content.strip()) not in said for each in own):
        raise Unfit("the prompt isn't in the conversation before the last message", key=key)
    return with_system(first.content if first.role == "system" else None, before)


class Asked(Struct, Generic[T]):
    """What OpenAI's rows have under `input`."""

    messages: list[T]


class OpenAi(Struct, Generic[T]):
    """OpenAI's preference rows, which Azure, Together and Fireworks take too."""

    input: Asked[T]
    preferred_output: list[T]
    non_preferred_output: list[T]


def _openai(row: OpenAi[T]) -> Prompt:
    return pair(
        conversation(row.input.messages, "input"),
        only_answer(row.preferred_output, "preferred_output"),
        only_answer(row.non_preferred_output, "non_preferred_output"),
    )


SHAPES = (
    Shape(
        "swift",
        "ms-swift pairs (messages, rejected_response)",
        Swift[Turn],
        _swift,
        Swift[Message],
    ),
    Shape(
        "swift-messages",
        "ms-swift pairs (messages, rejected_messages)",
        SwiftMessages[Turn],
        _swift_messages,
        SwiftMessages[Message],
    ),
    Shape(
        "openpipe",
        "OpenPipe pairs (messages, rejected_message)",
        OpenPipe[Turn],
        _openpipe,
        OpenPipe[Message],
    ),
    Shape(
        "axolotl",
        "axolotl pairs (messages, chosen, rejected)",
        Axolotl[Turn],
        _axolotl,
        Axolotl[Message],
    ),
    Shape("llamafactory-sharegpt", "LLaMA-Factory pairs (ShareGPT)", ShareGpt, _sharegpt),
    Shape(
        "openai",
        "OpenAI pairs (input, preferred_output)",
        OpenAi[Turn],
        _openai,
        OpenAi[Message],
    ),
    Shape(
        "trl",
        "TRL pairs (prompt, chosen, rejected: messages)",
        Explicit[Turn],
        _explicit,
        Explicit[Message],
    ),
    Shape(
        "ultrafeedback-binarized",
        "UltraFeedback in pairs",
        Binarized[Turn],
        _implicit,
        Binarized[Message],
        columns_of=_implicit_columns,
    ),
    Shape(
        "trl-implicit",
        "TRL pairs (chosen, rejected: messages)",
        Implicit[Turn],
        _implicit,
        Implicit[Message],
        columns_of=_implicit_columns,
    ),
)
