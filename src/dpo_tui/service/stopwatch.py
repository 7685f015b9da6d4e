"""How long the person has worked on what is on screen."""

from __future__ import annotations

from dpo_tui.service.ports import Clock

PAUSE_SECONDS = 120.0
"""Without a key for longer than this, the person has left: from then on it doesn't count."""


class Stopwatch:
    """Counts the seconds between one key and the next, pauses left out."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counted = 0.0
        self._touched = clock.monotonic()

    def start(self) -> None:
        """Begin anew."""
        self._counted = 0.0
        self._touched = self._clock.monotonic()

    def touch(self) -> None:
        """The person is there."""
        self._counted = self.seconds
        self._touched = self._clock.monotonic()

    @property
    def seconds(self) -> float:
        """What counts up to now."""
        return self._counted + min(self._clock.monotonic() - self._touched, PAUSE_SECONDS)
