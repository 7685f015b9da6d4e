"""ms-swift with both conversations in full.

Source: `swift/template/template_inputs.py` of ms-swift 4.6, `rejected_messages`.
"""

from __future__ import annotations

from msgspec import Struct

from dpo_tui.datasets.chat import Turns, ended_with
from dpo_tui.domain.model import Pair


class Row(Struct, frozen=True, gc=False):
    """One pair."""

    messages: Turns
    rejected_messages: Turns


def row(pair: Pair) -> Row:
    """The row of a pair."""
    return Row(
        ended_with(pair.messages, pair.chosen),
        ended_with(pair.messages, pair.rejected),
    )
