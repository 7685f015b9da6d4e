"""NeMo-RL's PreferenceDataset: ranked completions, the lower rank preferred.

Source: `nemo_rl/data/processors.py` and `docs/guides/dpo.md` of NeMo-RL.
"""

from __future__ import annotations

from msgspec import Struct

from dpo_tui.datasets.chat import Turn, reply
from dpo_tui.domain.model import Message, Pair


class Completion(Struct, frozen=True, gc=False):
    """One side."""

    rank: int
    completion: tuple[Turn]


class Row(Struct, frozen=True, gc=False):
    """One pair."""

    context: tuple[Message, ...]
    completions: tuple[Completion, Completion]


def row(pair: Pair) -> Row:
    """The row of a pair."""
    sides = Completion(0, (reply(pair.chosen),)), Completion(1, (reply(pair.rejected),))
    return Row(pair.messages, sides)
