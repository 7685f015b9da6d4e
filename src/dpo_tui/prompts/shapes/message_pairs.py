"""Pairs of a chosen and a rejected answer to a conversation that is a list of messages."""

from __future__ import annotations

import msgspec
from msgspec import Struct, field

from dpo_tui.domain.model import Message, Prompt
from dpo_tui.prompts.shapes.shape import Shape, Unfit, pair
from dpo_tui.prompts.shapes.turns import Spoken, Turn, answer, asked, conversation, only_answer

_MESSAGES = msgspec.json.Decoder(list[Turn])


class Explicit(Struct):
    """TRL with the prompt apart."""

    prompt: list[Turn]
    chosen: list[Turn]
    rejected: list[Turn]


def _explicit(row: Explicit) -> Prompt:
    messages = conversation(row.prompt, "prompt")
    return pair(messages, only_answer(row.chosen, "chosen"), only_answer(row.rejected, "rejected"))


class Implicit(Struct):
    """TRL with the prompt in both conversations, and what others add to it."""

    chosen: list[Turn]
    rejected: list[Turn]
    prompt: str | None = None
    score_chosen: float | None = None
    score_rejected: float | None = None
    chosen_rating: float | None = field(default=None, name="chosen-rating")
    rejected_rating: float | None = field(default=None, name="rejected-rating")
    chosen_model: str | None = field(default=None, name="chosen-model")
    rejected_model: str | None = field(default=None, name="rejected-model")


class Binarized(Implicit):
    """UltraFeedback in pairs: the prompt is there as text too."""

    prompt: str


def _implicit(row: Implicit) -> Prompt:
    if not row.chosen or not row.rejected:
        raise Unfit("expected messages, found none", key="rejected" if row.chosen else "chosen")
    *before, good = row.chosen
    *also_before, bad = row.rejected
    if before != also_before:
        raise Unfit("the conversations differ before their last messages", key="rejected")
    return pair(
        conversation(before, "chosen") if before else asked(None, row.prompt, "prompt"),
        answer(good, "chosen"),
        answer(bad, "rejected"),
        models=(row.chosen_model, row.rejected_model),
        scores=(row.score_chosen, row.score_rejected)
        if row.chosen_rating is None
        else (row.chosen_rating, row.rejected_rating),
    )


class Swift(Struct):
    """ms-swift: the conversation ends with the chosen answer."""

    messages: list[Turn] | str
    rejected_response: str | list[Turn]


class OpenPipe(Struct):
    """The same with a rejected message."""

    messages: list[Turn] | str
    rejected_message: Turn


class SwiftMessages(Struct):
    """ms-swift with two conversations."""

    messages: list[Turn] | str
    rejected_messages: list[Turn] | str


def _swift(row: Swift) -> Prompt:
    messages, chosen = answered(row.messages, "messages")
    if isinstance(row.rejected_response, str):
        return pair(messages, chosen, row.rejected_response)
    return pair(messages, chosen, only_answer(row.rejected_response, "rejected_response"))


def _openpipe(row: OpenPipe) -> Prompt:
    messages, chosen = answered(row.messages, "messages")
    return pair(messages, chosen, answer(row.rejected_message, "rejected_message"))


def _swift_messages(row: SwiftMessages) -> Prompt:
    messages, chosen = answered(row.messages, "messages")
    others, rejected = answered(row.rejected_messages, "rejected_messages")
    if messages != others:
        raise Unfit("the conversations differ before their last messages", key="rejected_messages")
    return pair(messages, chosen, rejected)


def answered(turns: list[Turn] | str, key: str) -> tuple[tuple[Message, ...], str]:
    """The prompt and the answer at its end; the messages may be JSON in a text.

    Raises:
        Unfit: they are something else.
    """
    if isinstance(turns, str):
        try:
            turns = _MESSAGES.decode(turns)
        except msgspec.MsgspecError:
            raise Unfit("expected messages, found other text", key=key) from None
    if not turns:
        raise Unfit("expected messages, found none", key=key)
    return conversation(turns[:-1], key), answer(turns[-1], key)


class Axolotl(Struct):
    """axolotl's chat_template.default."""

    messages: list[Turn] | str
    chosen: Turn | str
    rejected: Turn | str


def _axolotl(row: Axolotl) -> Prompt:
    messages = (
        asked(None, row.messages, "messages")
        if isinstance(row.messages, str)
        else conversation(row.messages, "messages")
    )
    return pair(messages, _said(row.chosen, "chosen"), _said(row.rejected, "rejected"))


def _said(side: Turn | str, key: str) -> str:
    return side if isinstance(side, str) else answer(side, key)


class ShareGpt(Struct):
    """LLaMA-Factory's sharegpt."""

    conversations: list[Spoken]
    chosen: Spoken
    rejected: Spoken
    system: str | None = None


def _sharegpt(row: ShareGpt) -> Prompt:
    return pair(
        with_system(row.system, conversation(row.conversations, "conversations")),
        answer(row.chosen, "chosen"),
        answer(row.rejected, "rejected"),
    )


def with_system(system: str | None, messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The messages, behind a system message that stands elsewhere."""
    if system and system.strip() and messages[0].role != "system":
        return (Message("system", system), *messages)
    return messages


class Asked(Struct):
    """What OpenAI's rows have under `input`."""

    messages: list[Turn]


class OpenAi(Struct):
    """OpenAI's preference rows, which Azure, Together and Fireworks take too."""

    input: Asked
    preferred_output: list[Turn]
    non_preferred_output: list[Turn]


def _openai(row: OpenAi) -> Prompt:
    return pair(
        conversation(row.input.messages, "input"),
        only_answer(row.preferred_output, "preferred_output"),
        only_answer(row.non_preferred_output, "non_preferred_output"),
    )


SHAPES = (
    Shape("swift", "ms-swift pairs (messages, rejected_response)", Swift, _swift),
    Shape(
        "swift-messages",
        "ms-swift pairs (messages, rejected_messages)",
        SwiftMessages,
        _swift_messages,
    ),
    Shape("openpipe", "OpenPipe pairs (messages, rejected_message)", OpenPipe, _openpipe),
    Shape("axolotl", "axolotl pairs (messages, chosen, rejected)", Axolotl, _axolotl),
    Shape("llamafactory-sharegpt", "LLaMA-Factory pairs (ShareGPT)", ShareGpt, _sharegpt),
    Shape("openai", "OpenAI pairs (input, preferred_output)", OpenAi, _openai),
    Shape("trl", "TRL pairs (prompt, chosen, rejected: messages)", Explicit, _explicit),
    Shape("ultrafeedback-binarized", "UltraFeedback in pairs", Binarized, _implicit),
    Shape("trl-implicit", "TRL pairs (chosen, rejected: messages)", Implicit, _implicit),
)
