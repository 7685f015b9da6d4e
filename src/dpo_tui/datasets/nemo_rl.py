"""NeMo-RL's PreferenceDataset: ranked completions, the lower rank preferred.

Source: `nemo_rl/data/processors.py` and `docs/guides/dpo.md` of NeMo-RL.
"""

from __future__ import annotations

from msgspec import Struct

from dpo_tui.datasets.chat import answer
from dpo_tui.domain.model import Message, Pair


class Completion(Struct, frozen=True):
    """One side."""

    rank: int
    completion: tuple[Message]


class Row(Struct, frozen=True):
    """One pair."""

    context: tuple[Message, ...]
    completions: tuple[Completion, Completion]


def row(pair: Pair) -> Row:
    """The row of a pair."""
    sides = Completion(0, answer(pair.chosen)), Completion(1, answer(pair.rejected))
    return Row(pair.messages, sides)
