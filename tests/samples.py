"""What the tests of several rooms are about."""

from __future__ import annotations

from dpo_tui.domain.model import Ready


def ready(*texts: str) -> tuple[Ready, ...]:
    """Ready-made responses of nobody in particular."""
    return tuple(map(Ready, texts))
