"""TRL's KTO: single responses that are good or bad.

Source: `docs/source/dataset_formats.md` of TRL 1.16, "unpaired preference".
"""

from __future__ import annotations

from msgspec import Struct

from dpo_tui.datasets.chat import answer
from dpo_tui.domain.model import Message
from dpo_tui.domain.pairs import Rating


class Row(Struct, frozen=True):
    """One response."""

    prompt: tuple[Message, ...]
    completion: tuple[Message]
    label: bool


def row(rating: Rating) -> Row:
    """The row of a response."""
    return Row(rating.messages, answer(rating.text), rating.is_good)
