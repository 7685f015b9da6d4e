"""ms-swift (DPO, ORPO, CPO, SimPO, RM): the conversation ends with the chosen response.

Source: `swift/dataset/preprocessor/core.py` of ms-swift 4.6.
"""

from __future__ import annotations

from msgspec import Struct

from dpo_tui.datasets.chat import ended_with
from dpo_tui.datasets.lines import line_of
from dpo_tui.domain.model import Message, Pair


class Row(Struct, frozen=True):
    """One pair."""

    messages: tuple[Message, ...]
    rejected_response: str


def row(pair: Pair) -> Row:
    """The row of a pair."""
    return Row(ended_with(pair.messages, pair.chosen), pair.rejected)


def encode(pair: Pair) -> bytes:
    """The line of a pair."""
    return line_of(row(pair))
