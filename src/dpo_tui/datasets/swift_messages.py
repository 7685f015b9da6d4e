"""ms-swift with both conversations in full.

Source: `swift/template/template_inputs.py` of ms-swift 4.6, `rejected_messages`.
"""

from __future__ import annotations

from msgspec import Struct

from dpo_tui.datasets.chat import ended_with
from dpo_tui.domain.model import Message, Pair


class Row(Struct, frozen=True):
    """One pair."""

    messages: tuple[Message, ...]
    rejected_messages: tuple[Message, ...]


def row(pair: Pair) -> Row:
    """The row of a pair."""
    return Row(
        ended_with(pair.messages, pair.chosen),
        ended_with(pair.messages, pair.rejected),
    )
