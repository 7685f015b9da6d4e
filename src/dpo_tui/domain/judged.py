"""A confirmed group as datasets are made of it: what is left when the screen is gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from dpo_tui.domain.clean import dataset_messages, dataset_text
from dpo_tui.domain.model import Mark, Message, Prompt, Remarks, Response, Source, State

NO_REMARKS = Remarks()


class Answer(NamedTuple):
    """One response of a confirmed group."""

    id: int
    text: str
    """As the dataset carries it."""
    mark: Mark
    state: State = State.COMPLETE
    slot: int = 0
    source: Source | None = None
    """Who made it and how, if that was asked for."""


class Judged(NamedTuple):
    """A prompt, its responses as they were shown, and what the annotator said of them."""

    key: str
    """The prompt's identity."""
    messages: tuple[Message, ...]
    """As the dataset carries them."""
    answers: tuple[Answer, ...]
    """In the order in which they were shown."""
    remarks: Remarks = NO_REMARKS
    """`best` is a response id."""
    name: str | None = None
    """The `id` that the prompts file gives the prompt."""
    tags: tuple[str, ...] = ()
    annotator: str = ""
    decided_at: float = 0.0
    """Unix time in seconds."""
    seconds: float = 0.0
    """How long the group was worked on."""
    replaced: int = 0
    """In how many texts lone surrogates were replaced."""


def judged(
    prompt: Prompt, shown: Iterable[Response], marks: Mapping[int, Mark], remarks: Remarks
) -> Judged:
    """What a confirm makes of a group; a response without a mark is left out."""
    answers = (
        Answer(each.id, dataset_text(each.completion.text), marks[each.id], each.completion.state)
        for each in shown
        if each.id in marks
    )
    return Judged(prompt.key, dataset_messages(prompt.messages), tuple(answers), remarks)
