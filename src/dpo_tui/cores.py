"""How much this process may do at once."""

from __future__ import annotations

import os


def usable_cores() -> int:
    """The processor cores that it may use, which can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
