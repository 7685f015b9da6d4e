"""What a command of the person did, or why it did nothing."""

from __future__ import annotations

from msgspec import Struct

from dpo_tui.domain.model import Verdict
from dpo_tui.domain.pairs import Dropped


class Confirmed(Struct, frozen=True):
    """What a confirm did."""

    position: int
    pairs: int
    dropped: tuple[Dropped, ...]
    unfinished: int
    """Responses that had not ended, and so are part of no pair."""


class Redone(Struct, frozen=True):
    """What a redo brought back."""

    position: int
    verdict: Verdict
    pairs: int


class Refused(Struct, frozen=True):
    """Why a command did nothing, for the status line."""

    reason: str


ALL_DECIDED = Refused("everything is decided")
