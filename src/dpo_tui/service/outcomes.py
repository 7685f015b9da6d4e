"""What a command of the person did, or why it did nothing."""

from __future__ import annotations

from dataclasses import dataclass

from dpo_tui.domain.model import Verdict
from dpo_tui.domain.pairs import Dropped


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What a confirm did."""

    position: int
    pairs: int
    dropped: tuple[Dropped, ...]
    unfinished: int
    """Responses that had not ended, and so are part of no pair."""


@dataclass(frozen=True, slots=True)
class Redone:
    """What a redo brought back."""

    position: int
    verdict: Verdict
    pairs: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a command did nothing, for the status line."""

    reason: str


ALL_DECIDED = Refused("everything is decided")
