"""The numbers of a session: what was decided of what, and how fast."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field

from dpo_tui.domain.model import Mark, Origin, Progress


class Maker(Struct, frozen=True):
    """Who made a response, as far as it is worth telling apart."""

    origin: Origin
    model: str = ""
    endpoint: str = ""
    temperature: float | None = None


class Judged(Struct):
    """What was said of the responses of one maker, in confirmed groups."""

    marks: Counter[Mark] = field(default_factory=Counter)
    groups: int = 0
    """Groups in which at least one was chosen or rejected."""


class FirstCard(Struct):
    """How the first of the cards that could be chosen fared, where there was a choice."""

    groups: int = 0
    chosen: int = 0
    expected: float = 0.0
    """How often it would have been chosen if its place made no difference."""


class Lengths(Struct):
    """How the sides of chosen x rejected combinations compare in bytes of text."""

    longer: int = 0
    """Combinations in which the chosen one is the longer one."""
    shorter: int = 0
    equal: int = 0
    groups: int = 0
    """Groups with a combination of different lengths."""


class Statistics(Struct):
    """The counts, over the decisions that count on groups of the queue."""

    path: Path
    prompts_path: Path | None
    """The prompts file that the session was last opened with."""
    people: Mapping[str, Progress]
    """Whose decisions were counted, and how far each has come."""
    flagged: int = 0
    median_seconds: float | None = None
    """For a group; None if none is decided."""
    total_seconds: float = 0.0
    chosen: Counter[int] = field(default_factory=Counter)
    """Confirmed groups by how many of their responses were chosen."""
    combinations: int = 0
    """Chosen x rejected; those that are no pairs were left out by the guard or by policy."""
    pairs: int = 0
    """Of these combinations."""
    later_sets: int = 0
    """Confirmed groups in which another set than the first was judged."""
    ties: int = 0
    bests: int = 0
    notes: int = 0
    strengths: Counter[int] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    makers: dict[Maker, Judged] = field(default_factory=dict)
    first_card: FirstCard = field(default_factory=FirstCard)
    lengths: Lengths = field(default_factory=Lengths)
