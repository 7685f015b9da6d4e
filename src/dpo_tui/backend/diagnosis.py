"""What `doctor` finds out about an endpoint: plain data."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field


class SeedUse(StrEnum):
    """What a server makes of `seed`."""

    HONOURED = "honoured"
    """The same seed gives the same text, another seed another text."""
    UNSTABLE = "unstable"
    """The same seed gives other texts."""
    IGNORED = "ignored"
    """Every seed gives the same text."""


class Check(StrEnum):
    """What is tried, one after the other."""

    STREAM = "stream"
    CHOICES = "n"
    SEED = "seed"
    ONE_STREAM = "one_stream"
    STREAMS = "streams"


class Wire(Struct, frozen=True):
    """How a completion arrives."""

    streams: bool
    """In more than one piece."""
    usage: bool
    """With token counts."""
    reasoning: str
    """The field that reasoning stands in, `<think>` if in the text; empty if there was none."""


class ChoiceCount(Struct, frozen=True):
    """How many choices one request gives."""

    asked: int
    given: int


class Speed(Struct, frozen=True):
    """How fast so many streams are together."""

    streams: int
    answered: int
    """Those of them that sent a token while it was measured."""
    tokens_per_second: float
    """Of all streams together, from the requests on."""


class Diagnosis(Struct, frozen=True):
    """One endpoint; what could not be found out is None, and `failures` says why."""

    base_url: str
    key_name: str = ""
    """The environment variable of its key, if one was sent."""
    server: str = ""
    """What it seems to be, with its version if it tells."""
    models: tuple[str, ...] = ()
    model: str | None = None
    """The one that was tried."""
    context: int | None = None
    """Tokens that prompt and response can have together."""
    slots: int | None = None
    """Completions that it works on at the same time."""
    problem: str = ""
    """Why it can't be used; empty if it can."""
    remedy: str = ""
    wire: Wire | None = None
    choices: ChoiceCount | None = None
    seed: SeedUse | None = None
    first_token_seconds: float | None = None
    one_stream: Speed | None = None
    streams: Speed | None = None
    failures: Mapping[Check, str] = field(default_factory=dict)

    @property
    def is_usable(self) -> bool:
        """Whether it gave a completion."""
        return not self.problem
