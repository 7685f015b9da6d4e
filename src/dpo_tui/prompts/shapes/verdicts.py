"""Answers side by side, and a word on which of them is better."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from dpo_tui.domain.model import Mark, Preference, Prompt, Ready
from dpo_tui.inputs import found
from dpo_tui.prompts.shapes.shape import TIE, Score, Shape, Unfit, Unkept, best_of, number
from dpo_tui.prompts.shapes.turns import Turn, answer, asked, conversation

_TIES = frozenset({"tie", "both", "equal", "same"})
_ALL_BAD = frozenset({"tie (bothbad)", "tie (both bad)", "both_bad", "both bad", "bothbad"})
_NUMBER_OR_LETTER = re.compile(r"\d+$|(?:^|(?<=[\W_]))[A-Za-z]$|(?<=[a-z])[A-Z]$")
"""What names of answers end with."""
_MEANT = re.compile(
    r"(?:(?:answer|assistant|completion|generation|model|option|output|response)[-_ ]?)?"
    r"(\d+|[a-z])"
)
"""One of them; no other words before it, as names of models end with numbers too."""


def better_of(names: Sequence[str], said: object, key: str) -> Preference | None:
    """Which of the answers of these names is better, by what stands at `key`.

    That is the name of one, what its name ends with (`b` of `answer_b`; `model_b`, too), or that it
    is a tie. None if nothing is said.

    Raises:
        Unfit: something else is said.
    """
    word = _word(said)
    if not word:
        return None
    if word in _TIES:
        return TIE
    if word in _ALL_BAD:
        return Preference(dict.fromkeys(range(len(names)), Mark.REJECTED))
    meant = [index for index, name in enumerate(names) if name.casefold() == word]
    if not meant and (end := _MEANT.fullmatch(word)):
        meant = [index for index, name in enumerate(names) if _ending(name) == end[1]]
    if len(meant) != 1:
        expected = ", ".join(names)
        raise Unfit(f"expected one of {expected}, or tie; found {found(said)}", key=key)
    return _best(meant[0], len(names))


def _word(said: object) -> str:
    """Text, or a whole number as text, in lower case."""
    if isinstance(said, float) and said.is_integer():
        return str(int(said))
    return "" if said is None else str(said).strip().casefold()


def _ending(name: str) -> str:
    end = _NUMBER_OR_LETTER.search(name)
    return end.group().casefold() if end else ""


def _best(best: int, count: int) -> Preference:
    return best_of([index == best for index in range(count)])


class Arena(Struct):
    """Chatbot Arena's battles (lmsys/chatbot_arena_conversations and later ones)."""

    conversation_a: list[Turn]
    conversation_b: list[Turn]
    winner: str | None
    model_a: str | None = None
    model_b: str | None = None


def _arena(row: Arena) -> Prompt:
    if not row.conversation_a or not row.conversation_b:
        key = "conversation_b" if row.conversation_a else "conversation_a"
        raise Unfit("expected messages, found none", key=key)
    *before, first = row.conversation_a
    *also_before, second = row.conversation_b
    if before != also_before:
        raise Unkept("the conversations differ before their last messages", key="conversation_b")
    preference = better_of(("model_a", "model_b"), row.winner, "winner")
    return Prompt(
        conversation(before, "conversation_a"),
        responses=(
            Ready(answer(first, "conversation_a"), row.model_a),
            Ready(answer(second, "conversation_b"), row.model_b),
        ),
        preferences=(preference,) if preference else (),
    )


class ArenaTable(Struct):
    """The same as a table (lmsys/lmsys-arena-human-preference-55k): texts are JSON lists."""

    prompt: str
    response_a: str
    response_b: str
    winner_model_a: Score
    winner_model_b: Score
    winner_tie: Score
    model_a: str | None = None
    model_b: str | None = None


def _arena_table(row: ArenaTable) -> Prompt:
    messages = asked(None, _only_turn(row.prompt, "prompt"), "prompt")
    responses = (
        Ready(_only_turn(row.response_a, "response_a"), row.model_a),
        Ready(_only_turn(row.response_b, "response_b"), row.model_b),
    )
    won = [number(each) for each in (row.winner_model_a, row.winner_model_b, row.winner_tie)]
    if sorted(each or 0 for each in won) != [0, 0, 1]:
        raise Unfit("expected one winner or a tie", key="winner_model_a, winner_model_b")
    preference = TIE if won[2] else _best(won.index(1), 2)
    return Prompt(messages, responses=responses, preferences=(preference,))


def _only_turn(text: str, key: str) -> str:
    try:
        turns = msgspec.convert(json.loads(text), list[str | None])
    except ValueError:
        raise Unfit("expected a JSON list of texts", key=key) from None
    if len(turns) != 1:
        raise Unkept(f"the conversation has {len(turns)} turns, in which the sides differ", key=key)
    return turns[0] or ""


class SafeRlhf(Struct):
    """PKU-Alignment/PKU-SafeRLHF; what is better is meant, not what is safer."""

    prompt: str
    response_0: str
    response_1: str
    better_response_id: Score
    response_0_source: str | None = None
    response_1_source: str | None = None


def _safe_rlhf(row: SafeRlhf) -> Prompt:
    preference = better_of(
        ("response_0", "response_1"), row.better_response_id, "better_response_id"
    )
    return Prompt(
        asked(None, row.prompt, "prompt"),
        responses=(
            Ready(row.response_0, row.response_0_source),
            Ready(row.response_1, row.response_1_source),
        ),
        preferences=(preference,) if preference else (),
    )


SHAPES = (
    Shape("arena", "Chatbot Arena battles (conversation_a, conversation_b, winner)", Arena, _arena),
    Shape("arena-table", "Chatbot Arena battles (winner_model_a, ...)", ArenaTable, _arena_table),
    Shape("safe-rlhf", "PKU-SafeRLHF", SafeRlhf, _safe_rlhf),
)
