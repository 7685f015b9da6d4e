"""What a list of groups and a search show of a group."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct

from dpo_tui.domain.model import Verdict

_T = TypeVar("_T")


class Filter(StrEnum):
    """Which groups of the queue a list has."""

    ALL = "all"
    UNDECIDED = "undecided"
    SKIPPED = "skipped"
    FLAGGED = "flagged"
    EDITED = "edited"
    """With a response that an annotator has typed."""
    FAILED = "failed"
    """With a response in the newest set that has no text to judge."""


class GroupRow(Struct, frozen=True):
    """A group in a list."""

    id: int
    position: int
    """0-based place in the queue."""
    name: str | None
    """The `id` that the prompts file gives it."""
    text: str
    """How what the user says last begins."""
    verdict: Verdict | None
    flagged: bool
    edited: bool
    failed: bool
    tags: tuple[str, ...]


class Found(Struct, frozen=True):
    """A text that has what was searched for."""

    group_id: int
    position: int
    name: str | None
    slot: int | None
    """The response's slot in the newest set; None is the prompt."""
    before: str
    """A little of what stands before the first match."""
    match: str
    after: str
    """A little of what stands behind it."""


class Bite(NamedTuple, Generic[_T]):
    """A part of a long answer, found by looking at a limited number of groups."""

    found: Sequence[_T]
    after: int | None
    """The position behind which, or backwards before which, to go on; None at the end."""
