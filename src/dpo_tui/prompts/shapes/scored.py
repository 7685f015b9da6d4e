"""Several answers with scores, ranks or a lean to one side."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Any, Generic

from msgspec import Struct, field

from dpo_tui.domain.model import Message, Prompt, Ready, Role
from dpo_tui.prompts.shapes.shape import (
    Score,
    Shape,
    Unfit,
    best_of,
    compared,
    first_of,
    number,
    some,
)
from dpo_tui.prompts.shapes.turns import (
    T,
    Turn,
    asked,
    conversation,
    is_transcript,
    only_answer,
    transcript,
)

# --- UltraFeedback -------------------------------------------------------------------------------


class Annotation(Struct):
    """What was said of one aspect."""

    rating: Score = field(default=None, name="Rating")


class Completion(Struct):
    """One model's answer."""

    response: str
    model: str | None = None
    annotations: dict[str, Annotation | None] | None = None
    overall_score: Score = None
    fine_grained_score: Score = field(default=None, name="fine-grained_score")


class UltraFeedback(Struct):
    """openbmb/UltraFeedback."""

    instruction: str
    completions: list[Completion]
    models: list[str]


def _ultrafeedback(row: UltraFeedback) -> Prompt:
    ready = [Ready(each.response, each.model) for each in row.completions]
    return Prompt(
        asked(None, row.instruction, "instruction"),
        responses=some(ready, key="completions"),
        preferences=(best_of(_scores(row.completions)),),
    )


def _scores(completions: Sequence[Completion]) -> list[float | None]:
    """Fine-grained scores, or overall ones where more have these: their scales differ.

    Some overall scores are wrong.
    """
    fine = [_fine_grained(each) for each in completions]
    overall = [number(each.overall_score) for each in completions]
    return min(fine, overall, key=lambda scores: scores.count(None))


def _fine_grained(completion: Completion) -> float | None:
    """The score, or the mean rating, which is how it was made."""
    if (score := number(completion.fine_grained_score)) is not None:
        return score
    annotations = (completion.annotations or {}).values()
    numbers = (number(each.rating) for each in annotations if each)
    ratings = [each for each in numbers if each is not None]
    return fmean(ratings) if ratings else None


# --- Nectar --------------------------------------------------------------------------------------


class Ranked(Struct):
    """One answer and its place, 1 for the best."""

    answer: str
    rank: Score
    model: str | None = None


class Nectar(Struct):
    """berkeley-nest/Nectar."""

    prompt: str
    answers: list[Ranked]


def _nectar(row: Nectar) -> Prompt:
    is_whole = is_transcript(row.prompt)
    messages = transcript(row.prompt, "prompt") if is_whole else asked(None, row.prompt, "prompt")
    ready = [Ready(each.answer.strip(), each.model) for each in row.answers]
    return Prompt(
        messages,
        responses=some(ready, key="answers"),
        preferences=(first_of([each.rank for each in row.answers]),),
    )


# --- HelpSteer -----------------------------------------------------------------------------------


class HelpSteer3(Struct):
    """nvidia/HelpSteer3, its preferences."""

    context: list[Turn]
    response1: str
    response2: str
    overall_preference: Score


def _helpsteer3(row: HelpSteer3) -> Prompt:
    return compared(
        conversation(row.context, "context"),
        (Ready(row.response1), Ready(row.response2)),
        row.overall_preference,
        "overall_preference",
    )


class HelpSteer2(Struct):
    """nvidia/HelpSteer2, its preferences."""

    prompt: str
    response_1: str
    response_2: str
    preference_strength: Score


_TURN = re.compile(r"\n?<extra_id_1>(User|Assistant)\n")
"""What stands before each turn but the first, which is the user's."""
_ROLES: dict[str, Role] = {"User": "user", "Assistant": "assistant"}


def _turns(text: str, key: str) -> tuple[Message, ...]:
    first, *pieces = _TURN.split(text)
    said = zip(pieces[::2], pieces[1::2], strict=True)
    messages = [Message("user", first), *(Message(_ROLES[who], words) for who, words in said)]
    if any("<extra_id_1>" in each.content for each in messages):
        raise Unfit("expected User or Assistant behind <extra_id_1>", key=key)
    return conversation(messages, key)


def _helpsteer2(row: HelpSteer2) -> Prompt:
    return compared(
        _turns(row.prompt, "prompt"),
        (Ready(row.response_1), Ready(row.response_2)),
        row.preference_strength,
        "preference_strength",
    )


# --- WebGPT --------------------------------------------------------------------------------------


class Question(Struct):
    """What was asked, in the set of questions that it is of."""

    full_text: str


class WebGpt(Struct):
    """openai/webgpt_comparisons."""

    question: Question
    answer_0: str
    answer_1: str
    score_0: Score
    score_1: Score


def _webgpt(row: WebGpt) -> Prompt:
    scores = (number(row.score_0), number(row.score_1))
    return Prompt(
        asked(None, row.question.full_text, "question"),
        responses=(Ready(row.answer_0), Ready(row.answer_1)),
        preferences=() if None in scores else (best_of(scores),),
    )


# --- Stack Exchange ------------------------------------------------------------------------------


class Voted(Struct):
    """One answer; its score follows from votes and from whether it was accepted."""

    text: str
    pm_score: Score


class StackExchange(Struct):
    """HuggingFaceH4/stack-exchange-preferences."""

    question: str
    answers: list[Voted]


def _stack_exchange(row: StackExchange) -> Prompt:
    return Prompt(
        asked(None, row.question, "question"),
        responses=some([Ready(each.text) for each in row.answers], key="answers"),
        preferences=(best_of([each.pm_score for each in row.answers]),),
    )


# --- OpenAssistant -------------------------------------------------------------------------------


class Reply(Struct):
    """One answer and its place, 0 for the best."""

    text: str
    rank: Score = None
    model_name: str | None = None
    deleted: bool | None = None
    replies: list[Any] | None = None
    """The conversations that go on from it."""


class Opening(Struct):
    """What a tree begins with."""

    text: str
    replies: list[Reply] | None = None


class Tree(Struct):
    """A tree of OpenAssistant/oasst1 and oasst2: what is first said, and the answers to it."""

    message_tree_id: str
    prompt: Opening


def _tree(row: Tree) -> Prompt:
    replies = [each for each in row.prompt.replies or () if not each.deleted]
    ready = [Ready(each.text, each.model_name) for each in replies]
    ranks = [each.rank for each in replies]
    is_ranked = any(number(each) is not None for each in ranks)
    return Prompt(
        asked(None, row.prompt.text, "prompt"),
        responses=some(ready, key="replies") if ready else (),
        preferences=(first_of(ranks),) if is_ranked else (),
    )


def _further_down(row: Tree) -> Iterable[str]:
    """A row is one prompt, so that of a tree the rest is left out."""
    if any(each.replies for each in row.prompt.replies or ()):
        yield "ranks of replies further down the trees"


# --- NeMo-RL -------------------------------------------------------------------------------------


class Placed(Struct, Generic[T]):
    """One answer and its place, 0 for the best."""

    rank: Score
    completion: list[T]


class NemoRl(Struct, Generic[T]):
    """NeMo-RL's PreferenceDataset."""

    context: list[T]
    completions: list[Placed[T]]


def _nemo_rl(row: NemoRl[T]) -> Prompt:
    ready = [Ready(only_answer(each.completion, "completions")) for each in row.completions]
    return Prompt(
        conversation(row.context, "context"),
        responses=some(ready, key="completions"),
        preferences=(first_of([each.rank for each in row.completions]),),
    )


SHAPES = (
    Shape(
        "nemo-rl", "NeMo-RL ranks (context, completions)", NemoRl[Turn], _nemo_rl, NemoRl[Message]
    ),
    Shape("ultrafeedback", "UltraFeedback", UltraFeedback, _ultrafeedback),
    Shape("nectar", "Nectar", Nectar, _nectar),
    Shape("helpsteer3", "HelpSteer3 preferences", HelpSteer3, _helpsteer3),
    Shape("helpsteer2", "HelpSteer2 preferences", HelpSteer2, _helpsteer2),
    Shape("webgpt", "WebGPT comparisons", WebGpt, _webgpt),
    Shape("oasst", "OpenAssistant trees", Tree, _tree, unused_questions=_further_down),
    Shape("stack-exchange", "Stack Exchange preferences", StackExchange, _stack_exchange),
)
