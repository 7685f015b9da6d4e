"""Conversations with good responses alone, for supervised fine-tuning with any chat trainer."""

from __future__ import annotations

from msgspec import Struct

from dpo_tui.datasets.chat import Turns, ended_with
from dpo_tui.domain.pairs import Rating


class Row(Struct, frozen=True, gc=False):
    """One response."""

    messages: Turns


def row(rating: Rating) -> Row:
    """The row of a good response."""
    return Row(ended_with(rating.messages, rating.text))
