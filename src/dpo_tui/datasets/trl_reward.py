"""TRL's RewardTrainer: two whole conversations and how far apart they should be.

The margin is subtracted from the difference of the rewards in the loss; 0 asks for nothing beyond
the preference itself. Source: `trainer/reward_trainer.py` of TRL 1.16.
"""

from __future__ import annotations

from msgspec import Struct

from dpo_tui.datasets.chat import Turns, ended_with
from dpo_tui.domain.model import Pair


class Row(Struct, frozen=True, gc=False):
    """One pair."""

    chosen: Turns
    rejected: Turns
    margin: float


def row(pair: Pair) -> Row:
    """The row of a pair; its margin is the strength, 0 if none was said."""
    return Row(
        ended_with(pair.messages, pair.chosen),
        ended_with(pair.messages, pair.rejected),
        float(pair.strength or 0),
    )
