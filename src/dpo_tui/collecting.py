"""When Python looks for cycles of garbage: never while a person or a million rows wait for it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_MANY = 3_000
"""New objects that are worth a look; it takes some milliseconds."""
_OLDER, _OLDEST = 20, 400
"""Each so many-th look is at what has stayed for some time too, or at all."""


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """Let the collector of cycles look seldom: rows make none."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def start_without_collecting() -> None:
    """Put the collector off until a `Tidying` begins: what the start makes stays."""
    gc.set_threshold(1_000_000)


class Tidying:
    """Looks for garbage while the person reads, so that hardly ever a key waits for it.

    By itself the collector would look whenever so many objects are new, and take 50 ms for it.
    """

    def __init__(self) -> None:
        gc.freeze()  # what there is by now lives as long as the app
        gc.set_threshold(50_000, _OLDER, 100)
        self._looks = 0

    def tidy(self) -> None:
        """Look now, if there is much that is new."""
        if gc.get_count()[0] < _MANY:
            return
        self._looks += 1
        generation = 2 if self._looks % _OLDEST == 0 else 1 if self._looks % _OLDER == 0 else 0
        gc.collect(generation)
