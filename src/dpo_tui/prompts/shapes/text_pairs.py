"""Pairs of a chosen and a rejected answer that are plain text."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from dpo_tui.domain.model import Message, Prompt
from dpo_tui.inputs import inside
from dpo_tui.prompts.shapes.message_pairs import with_system
from dpo_tui.prompts.shapes.shape import Score, Shape, Unfit, pair
from dpo_tui.prompts.shapes.turns import WithSystem, asked, is_transcript, transcript

_REPLY = "\n\nAssistant:"


class Standard(WithSystem):
    """TRL's standard pairs, and what axolotl's `chatml` types call the same."""

    prompt: str
    chosen: str
    rejected: str


def _standard(row: Standard) -> Prompt:
    messages = asked(row.system_says, row.prompt, "prompt")
    return pair(messages, row.chosen, row.rejected)


class Intel(WithSystem):
    """axolotl's chatml.intel."""

    question: str
    chosen: str
    rejected: str


def _intel(row: Intel) -> Prompt:
    messages = asked(row.system_says, row.question, "question")
    return pair(messages, row.chosen, row.rejected)


class Icr(WithSystem):
    """axolotl's chatml.icr, and argilla/distilabel-intel-orca-dpo-pairs."""

    input: str
    chosen: str
    rejected: str
    status: Any = None
    """`tie` where the sides stand as they happened to."""


def _icr(row: Icr) -> Prompt:
    messages = asked(row.system_says, row.input, "input")
    return pair(messages, row.chosen, row.rejected, is_tie=row.status == "tie")


class Transcript(Standard):
    """Anthropic's conversations, with the prompt apart."""


def _full(row: Transcript) -> Prompt:
    messages = with_system(row.system_says, transcript(row.prompt, "prompt"))
    return pair(messages, row.chosen.strip(), row.rejected.strip())


class Transcripts(Struct):
    """Anthropic's conversations, whole."""

    chosen: str
    rejected: str


def _whole(row: Transcripts) -> Prompt:
    for key, text in (("chosen", row.chosen), ("rejected", row.rejected)):
        if not is_transcript(text):
            raise Unfit("expected a conversation of Human: and Assistant:", key=key)
    start = _shared(row.chosen, row.rejected)
    good, bad = row.chosen[start:].strip(), row.rejected[start:].strip()
    for key, text in (("chosen", good), ("rejected", bad)):
        if "\n\nHuman:" in text:
            raise Unfit("the conversations differ before their last answers", key=key)
    return pair(transcript(row.chosen[:start], "chosen"), good, bad)


def _shared(chosen: str, rejected: str) -> int:
    """Where the last answer begins that has the same conversation before it in both."""
    end = chosen.rfind(_REPLY)
    while end >= 0 and not rejected.startswith(chosen[: end + len(_REPLY)]):
        end = chosen.rfind(_REPLY, 0, end)
    if end < 0:
        raise Unfit("the conversations differ before the first answer", key="rejected")
    return end + len(_REPLY)


class Alpaca(WithSystem):
    """LLaMA-Factory's alpaca."""

    instruction: str
    chosen: str
    rejected: str
    input: str | None = None
    history: list[list[str]] | None = None


def _alpaca(row: Alpaca) -> Prompt:
    messages = instructed(row.instruction, row.input, row.system_says, row.history)
    return pair(messages, row.chosen, row.rejected)


def instructed(
    instruction: str,
    more: str | None,
    system: str | None,
    history: list[list[str]] | None,
    key: str = "instruction",
) -> tuple[Message, ...]:
    """The conversation of an Alpaca row: what it is about stands below the instruction.

    Raises:
        Unfit: there is no instruction, which stands at `key`, or the history isn't made of
            questions with answers.
    """
    text = f"{instruction}\n{more}" if more and more.strip() else instruction
    *opening, last = asked(system, text, key)
    earlier = []
    for index, turn in enumerate(history or ()):
        if len(turn) != 2 or not all(each.strip() for each in turn):
            raise Unfit("expected a question and an answer", key=inside("history", index))
        earlier += [Message("user", turn[0]), Message("assistant", turn[1])]
    return (*opening, *earlier, last)


class Ranking(WithSystem):
    """LLaMA-Factory's alpaca as it once was: the output is both sides."""

    instruction: str
    output: list[str]
    input: str | None = None
    history: list[list[str]] | None = None


def _ranking(row: Ranking) -> Prompt:
    if len(row.output) != 2:
        raise Unfit(f"expected a better and a worse one, found {len(row.output)}", key="output")
    messages = instructed(row.instruction, row.input, row.system_says, row.history)
    return pair(messages, *row.output)


class Query(WithSystem):
    """ms-swift's pairs without messages."""

    query: str
    response: str
    rejected_response: str
    history: list[list[str]] | None = None


def _query(row: Query) -> Prompt:
    messages = instructed(row.query, None, row.system_says, row.history, key="query")
    return pair(messages, row.response, row.rejected_response)


class Argilla(WithSystem):
    """argilla/ultrafeedback-binarized-preferences, and axolotl's chatml.argilla."""

    instruction: str
    chosen_response: str
    rejected_response: str
    chosen_avg_rating: Score = None
    rejected_avg_rating: Score = None
    chosen_model: str | None = None
    rejected_model: str | None = None


class Aligner(WithSystem):
    """The same, as NeMo-Aligner has it."""

    instruction: str = field(name="prompt")
    chosen_response: str
    rejected_response: str
    chosen_avg_rating: Score = field(default=None, name="chosen_reward")
    rejected_avg_rating: Score = field(default=None, name="rejected_reward")
    chosen_model: str | None = None
    rejected_model: str | None = None


def _argilla(row: Argilla | Aligner) -> Prompt:
    return pair(
        asked(row.system_says, row.instruction, "instruction"),
        row.chosen_response,
        row.rejected_response,
        models=(row.chosen_model, row.rejected_model),
        scores=(row.chosen_avg_rating, row.rejected_avg_rating),
    )


SHAPES = (
    Shape("argilla-pairs", "pairs (instruction, chosen_response)", Argilla, _argilla),
    Shape("nemo-aligner", "NeMo-Aligner pairs (prompt, chosen_response)", Aligner, _argilla),
    Shape("llamafactory-alpaca", "LLaMA-Factory pairs (Alpaca)", Alpaca, _alpaca),
    Shape("llamafactory-ranking", "LLaMA-Factory pairs (output: both sides)", Ranking, _ranking),
    Shape("swift-query", "ms-swift pairs (query, response, rejected_response)", Query, _query),
    Shape("full-hh-rlhf", "HH-RLHF with the prompt apart", Transcript, _full),
    Shape("trl-standard", "TRL pairs (prompt, chosen, rejected: text)", Standard, _standard),
    Shape("intel", "pairs (question, chosen, rejected)", Intel, _intel),
    Shape("icr", "pairs (input, chosen, rejected)", Icr, _icr),
    Shape("hh-rlhf", "HH-RLHF (chosen, rejected: whole conversations)", Transcripts, _whole),
)
