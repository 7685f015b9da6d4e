"""TRL (DPO, CPO, ORPO), conversational with the prompt apart; what its documentation recommends.

Source: `docs/source/dataset_formats.md` and `trainer/dpo_trainer.py` of TRL 1.16.
"""

from __future__ import annotations

from msgspec import Struct

from dpo_tui.datasets.chat import Turn, reply
from dpo_tui.domain.model import Message, Pair


class Row(Struct, frozen=True, gc=False):
    """One pair."""

    prompt: tuple[Message, ...]
    chosen: tuple[Turn]
    rejected: tuple[Turn]


def row(pair: Pair) -> Row:
    """The row of a pair."""
    return Row(pair.messages, (reply(pair.chosen),), (reply(pair.rejected),))
