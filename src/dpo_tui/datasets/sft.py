"""Conversations with good responses alone, for supervised fine-tuning with any chat trainer."""

from __future__ import annotations

from msgspec import Struct

from dpo_tui.datasets.chat import ended_with
from dpo_tui.domain.model import Message
from dpo_tui.domain.pairs import Rating


class Row(Struct, frozen=True):
    """One response."""

    messages: tuple[Message, ...]


def row(rating: Rating) -> Row:
    """The row of a good response."""
    return Row(ended_with(rating.messages, rating.text))
