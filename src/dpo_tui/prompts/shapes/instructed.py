"""One answer to each prompt, as fine-tuning wants it: it is shown beside the prompt."""

from __future__ import annotations

from collections.abc import Iterable

from dpo_tui.domain.model import Prompt
from dpo_tui.prompts.shapes.candidates import Asked, first_filled
from dpo_tui.prompts.shapes.message_pairs import answered, with_system
from dpo_tui.prompts.shapes.shape import Shape
from dpo_tui.prompts.shapes.text_pairs import instructed
from dpo_tui.prompts.shapes.turns import Spoken, Turn, WithSystem, answer, conversation


class Alpaca(WithSystem):
    """An instruction with its output."""

    instruction: str
    output: str
    input: str | None = None
    history: list[list[str]] | None = None


def _alpaca(row: Alpaca) -> Prompt:
    messages = instructed(row.instruction, row.input, row.system_says, row.history)
    return Prompt(messages, reference=_blank_is_none(row.output))


class ShareGpt(WithSystem):
    """A conversation that ends with what the model says, or with what it is asked."""

    conversations: list[Spoken]


def _sharegpt(row: ShareGpt) -> Prompt:
    turns, reference = row.conversations, None
    if turns and turns[-1].role not in {"human", "user"}:
        *turns, last = turns
        reference = answer(last, "conversations")
    messages = with_system(row.system_says, conversation(turns, "conversations"))
    return Prompt(messages, reference=_blank_is_none(reference))


class Messages(WithSystem):
    """A conversation that ends with what the assistant says."""

    messages: list[Turn]


def _messages(row: Messages) -> Prompt:
    messages, reference = answered(row.messages, "messages", row.system_says)
    return Prompt(messages, reference=_blank_is_none(reference))


class Answered(Asked):
    """A prompt with an answer, under the names that people give such columns."""

    response: str | None = None
    completion: str | None = None
    answer: str | None = None
    output: str | None = None
    target: str | None = None


_ANSWERS = ("response", "completion", "answer", "output", "target")


def _answered(row: Answered) -> Prompt:
    return Prompt(row.conversation(), reference=_blank_is_none(getattr(row, _answer_in(row))))


def _answer_in(row: Answered) -> str:
    return first_filled(row, _ANSWERS, "there is no answer")


def _columns(row: Answered) -> Iterable[str]:
    return row.columns([_answer_in(row)])


def _asked(row: Asked) -> Prompt:
    return Prompt(row.conversation())


def _blank_is_none(text: str | None) -> str | None:
    return text if text and text.strip() else None


SHAPES = (
    Shape("alpaca", "Alpaca instructions", Alpaca, _alpaca),
    Shape("sharegpt", "ShareGPT conversations", ShareGpt, _sharegpt),
    Shape("messages", "OpenAI messages", Messages, _messages),
    Shape(
        "answered",
        "prompts with an answer",
        Answered,
        _answered,
        columns_of=_columns,
    ),
    Shape("asked", "prompts", Asked, _asked, columns_of=Asked.columns),
)
