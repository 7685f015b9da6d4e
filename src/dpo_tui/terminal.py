"""The terminal of the program: its settings, as `stty` shows them, and giving it back as it was."""

from __future__ import annotations

import os
import signal
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep
from typing import Any

_KEYS, _PAINT = 0, 2
"""The terminal is all standard streams; the screen reads the first and is painted on the last."""
_RETRY_SECONDS = 0.002


def settings() -> list[Any] | None:
    """The terminal's settings, if there is one."""
    try:
        return termios.tcgetattr(_KEYS)
    except termios.error:
        return None


def is_ours() -> bool:
    """Whether the program may use it: in the background it is stopped for that."""
    try:
        return os.tcgetpgrp(_KEYS) == os.getpgrp()
    except OSError:  # there is no job control here, or no terminal any more
        return True


def set_back(before: list[Any] | None) -> None:
    """Give it the settings again that it had, unless it is somebody else's now."""
    if before is not None and is_ours():
        with suppress(termios.error):  # it is gone
            termios.tcsetattr(_KEYS, termios.TCSANOW, before)


@contextmanager
def lent() -> Iterator[None]:
    """Another program has it, which may leave settings of its own behind."""
    before = settings()
    try:
        yield
    finally:
        set_back(before)


def last_words(text: str, seconds: float) -> None:
    """Paint for the last time; given up after `seconds`.

    If it doesn't read, what it has not read yet is dropped, and what is being painted is cut off.
    SIGTERM, which has to be handled or ignored, wakes who waits for it.
    """
    deadline = monotonic() + seconds
    with suppress(OSError, termios.error):  # it is gone
        # Opened anew, since the shell has the same description and wants one that waits.
        terminal = os.open(os.ttyname(_KEYS), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        os.dup2(os.open(os.devnull, os.O_WRONLY), _PAINT)
        left = text.encode()
        while left and monotonic() < deadline:
            try:
                left = left[os.write(terminal, left) :]
            except BlockingIOError:
                termios.tcflush(terminal, termios.TCOFLUSH)
                left = text.encode()
                for identity in filter(None, [each.ident for each in threading.enumerate()]):
                    signal.pthread_kill(identity, signal.SIGTERM)
                sleep(_RETRY_SECONDS)
