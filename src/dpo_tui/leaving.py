"""Leaving in time: on a signal, and whatever hangs.

Textual installs no handlers for SIGTERM and SIGHUP, and a terminal that stops reading blocks its
event loop. Every decision is on disk already, so ending the process hard loses nothing.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from dpo_tui import terminal

GRACE_SECONDS = 0.8
"""How long an orderly end may take before it is forced; a person should wait less than a second."""
_LAST_SECONDS = 0.1

_STDIN = 0
_HUNG_UP = 128 + signal.SIGHUP
_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class Leaving:
    """Ends the process with the right exit code, in order if there is time for it."""

    def __init__(self, last_will: Callable[[], None]) -> None:
        self._last_will = last_will
        """What has to be done even if the end is forced: quick, and safe from any thread."""
        self.giving_back: Callable[[], str] = str
        """What to write to the terminal when the end is forced, so that it is as it was."""
        self._settings = terminal.settings()
        self._forced: threading.Timer | None = None
        self._is_done = False
        self._handlers: dict[signal.Signals, Any] = {}
        """What handled the signals before."""

    def within_grace(self, exit_code: int) -> None:
        """Force the end when the grace time is over; the first call counts."""
        if self._forced is None:
            self._forced = threading.Timer(GRACE_SECONDS, self._force, (exit_code,))
            self._forced.daemon = True
            self._forced.start()

    def on_signals(self, leave: Callable[[int], None]) -> None:
        """From now on a signal calls `leave` with the exit code 128 + its number.

        One that is ignored stays so, as `nohup` wants it. Python's own handlers, not the event
        loop's: they also run while the loop is blocked.
        """
        loop = asyncio.get_running_loop()

        def handle(number: int, _: FrameType | None) -> None:
            self.within_grace(128 + number)
            loop.call_soon_threadsafe(leave, 128 + number)

        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._handlers.setdefault(number, signal.signal(number, handle))

    def on_hangup(self, leave: Callable[[int], None]) -> None:
        """From now on the loss of the terminal calls `leave` as SIGHUP would.

        The signal may never come (`nohup`, `setsid`), and Textual would read the end of the file
        again and again.
        """
        loop = asyncio.get_running_loop()

        def wait() -> None:
            keyboard = select.poll()
            keyboard.register(_STDIN, 0)  # a hang-up is reported unasked
            keyboard.poll()
            if not self._is_done:
                self.within_grace(_HUNG_UP)
                loop.call_soon_threadsafe(leave, _HUNG_UP)

        threading.Thread(target=wait, name="hangup", daemon=True).start()

    def done(self) -> None:
        """The orderly end came in time."""
        self._is_done = True
        if self._forced:
            self._forced.cancel()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _force(self, exit_code: int) -> None:
        self._last_will()
        if words := self.giving_back():
            terminal.last_words(words, _LAST_SECONDS)
        terminal.set_back(self._settings)
        os._exit(exit_code)
