"""One request to a model server and the events that its stream gives."""

from __future__ import annotations

from msgspec import Struct

from dpo_tui.domain.model import Message, Sampling


class Ask(Struct, frozen=True):
    """One request for `n` completions of the same prompt."""

    messages: tuple[Message, ...]
    sampling: Sampling
    """`sampling.seed`, if set, is the seed of choice 0; choice i gets seed + i."""
    n: int = 1
    model: str | None = None
    """Which model to ask; None: the one that the endpoint is set to."""


class Admitted(Struct, frozen=True):
    """The server answered with headers: the request is no longer queued in silence."""


class Delta(Struct, frozen=True):
    """More text of one choice; `text` and `reasoning` can each be empty."""

    choice: int
    text: str
    reasoning: str = ""
    recast: bool = False
    """All text of this choice before this delta was reasoning: `</think>` came, and the opening tag
    had been in the model's template."""


class Narrowed(Struct, frozen=True):
    """The server gives only the choices below `n`, whatever was asked; the others will not come."""

    n: int


class Ended(Struct, frozen=True):
    """One choice is over; comes exactly once for every choice that had begun, and last for it."""

    choice: int
    finish_reason: str | None
    whole: bool = True
    """Whether the stream was closed as the protocol wants it (`finish_reason` or `[DONE]` came)."""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


ChatEvent = Admitted | Delta | Narrowed | Ended
