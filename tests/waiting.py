"""Waiting for what another process does."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep

from tests.terminal.terminal import PATIENCE


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until something is the case; fails after `PATIENCE` seconds."""
    deadline = monotonic() + PATIENCE
    while not condition():
        assert monotonic() < deadline, "waited in vain"
        sleep(0.001)
