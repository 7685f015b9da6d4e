"""Answers side by side, and a word on which of them is better."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from dpo_tui.domain.model import Mark, Preference, Prompt, Ready
from dpo_tui.inputs import found
from dpo_tui.prompts.shapes.shape import (
    FIRST_IS_CHOSEN,
    SECOND_IS_CHOSEN,
    TIE,
    Score,
    Shape,
    Unfit,
    Unkept,
    best_of,
    number,
)
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

_WHOLE = re.compile(r"\d+\.0")


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
    """Text, or a whole number as text, in lower case; empty for what is left blank.

    Where a number is missing in a table, tools such as pandas make 1.0 of each 1, and NaN of it.
    """
    if said is None or said != said:  # noqa: PLR0124 - NaN, of any kind of float
        return ""
    word = str(said).strip().casefold()
    return word.removesuffix(".0") if _WHOLE.fullmatch(word) else word


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
    except (ValueError, RecursionError):
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


class Shp(Struct):
    """stanfordnlp/SHP: a post on Reddit and two comments on it."""

    history: str
    human_ref_A: str  # noqa: N815 - as the column is called
    human_ref_B: str  # noqa: N815
    labels: Score


def _shp(row: Shp) -> Prompt:
    marks = _BY_LABEL.get(number(row.labels))
    if marks is None:
        raise Unfit(f"expected 1 (A) or 0 (B), found {found(row.labels)}", key="labels")
    return Prompt(
        asked(None, row.history, "history"),
        responses=(Ready(row.human_ref_A), Ready(row.human_ref_B)),
        preferences=(Preference(marks),),
    )


_BY_LABEL: Mapping[float | None, Mapping[int, Mark]] = {1: FIRST_IS_CHOSEN, 0: SECOND_IS_CHOSEN}
"""Not the place of the better one: 1 says that A is it."""


class Summary(Struct):
    """One of two summaries, and the model that wrote it."""

    text: str
    policy: str | None = None


class Source(Struct):
    """What is summed up: a post on Reddit or a newspaper's article."""

    post: str | None = None
    title: str | None = None
    subreddit: str | None = None
    article: str | None = None


class Summaries(Struct):
    """openai/summarize_from_feedback, its comparisons."""

    info: Source
    summaries: list[Summary]
    choice: Score


def _summaries(row: Summaries) -> Prompt:
    if len(row.summaries) != 2:
        raise Unfit(f"expected two summaries, found {len(row.summaries)}", key="summaries")
    first, second = (Ready(each.text.strip(), each.policy) for each in row.summaries)
    preference = better_of(("summary_0", "summary_1"), row.choice, "choice")
    return Prompt(
        asked(None, _to_sum_up(row.info), "info"),
        responses=(first, second),
        preferences=(preference,) if preference else (),
    )


def _to_sum_up(info: Source) -> str:
    """The text as those models were asked to sum it up; empty if there is none."""
    if info.post and info.post.strip():
        head = f"SUBREDDIT: r/{info.subreddit or ''}\n\nTITLE: {info.title or ''}\n\n"
        return f"{head}POST: {info.post}\n\nTL;DR:"
    return f"Article:\n{info.article}\n\nTL;DR:" if info.article else ""


SHAPES = (
    Shape("arena", "Chatbot Arena battles (conversation_a, conversation_b, winner)", Arena, _arena),
    Shape("arena-table", "Chatbot Arena battles (winner_model_a, ...)", ArenaTable, _arena_table),
    Shape("safe-rlhf", "PKU-SafeRLHF", SafeRlhf, _safe_rlhf),
    Shape("shp", "Stanford Human Preferences (SHP)", Shp, _shp),
    Shape("summaries", "OpenAI's comparisons of summaries", Summaries, _summaries),
)
