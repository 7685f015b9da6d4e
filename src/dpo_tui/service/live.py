"""A response that is on its way: what is known of it before it has ended and is on disk."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct, field

from dpo_tui.domain.chat import Delta


class Phase(StrEnum):
    """Where a response that hasn't ended yet stands."""

    WAITING = "waiting"
    """Nothing was sent for it yet."""
    QUEUED = "queued"
    """Sent; the server says nothing, which for some of them means that its slots are busy."""
    ADMITTED = "reading the prompt"
    """The server has begun, and no token has come."""
    STREAMING = "streaming"
    RETRYING = "trying again"
    """An attempt failed, and another one will be made."""


class Live(Struct):
    """One slot that is being generated; changes in place, so that a token costs no copy."""

    replaces: int = 0
    """Id of the response that it takes the place of; 0 if there is none."""
    phase: Phase = Phase.WAITING
    note: str = ""
    """Why it is tried again; foreign text."""
    started: float = 0.0
    """Monotonic seconds at which the request went out."""
    first_token: float | None = None
    """Monotonic seconds of the first token."""
    attempts: int = 0
    """Attempts that failed."""
    broke_off: bool = False
    """Whether text of it has come and is gone again: what was said of it then means nothing."""
    _text: list[str] = field(default_factory=list)
    _reasoning: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text so far."""
        return _joined(self._text)

    @property
    def reasoning(self) -> str:
        """All reasoning so far."""
        return _joined(self._reasoning)

    def begin(self, now: float) -> None:
        """A request for it goes out."""
        self.phase = Phase.QUEUED
        self.started = now
        self.first_token = None
        self._text.clear()
        self._reasoning.clear()

    def grow(self, delta: Delta, now: float) -> None:
        """More of it has come."""
        if self.first_token is None:
            self.first_token = now
        self.phase = Phase.STREAMING
        if delta.recast:
            self._reasoning += self._text
            self._text.clear()
        self._text.append(delta.text)
        self._reasoning.append(delta.reasoning)

    def wait(self) -> None:
        """The request came to nothing, through no fault of the prompt."""
        self.broke_off |= self.first_token is not None
        self.phase = Phase.WAITING
        self._text.clear()
        self._reasoning.clear()

    def retry(self, note: str) -> None:
        """The attempt failed; what it gave is dropped."""
        self.wait()
        self.phase = Phase.RETRYING
        self.note = note
        self.attempts += 1


def _joined(pieces: list[str]) -> str:
    """The pieces as one string, which takes their place: reading often stays cheap."""
    if len(pieces) > 1:
        pieces[:] = ["".join(pieces)]
    return pieces[0] if pieces else ""
