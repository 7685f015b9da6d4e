"""ms-swift (DPO, ORPO, CPO, SimPO, RM): the conversation ends with the chosen response.

Source: `swift/dataset/preprocessor/core.py` of ms-swift 4.6.
"""

from __future__ import annotations

from msgspec import Struct

from dpo_tui.datasets.chat import Turns, ended_with
from dpo_tui.datasets.lines import line_of
from dpo_tui.domain.model import Pair


class Row(Struct, frozen=True, gc=False):
    """One pair."""

    messages: Turns
    rejected_response: str


def row(pair: Pair) -> Row:
    """The row of a pair."""
    return Row(ended_with(pair.messages, pair.chosen), pair.rejected)


def encode(pair: Pair) -> bytes:
    """The line of a pair."""
    return line_of(row(pair))
