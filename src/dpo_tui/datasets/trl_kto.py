"""TRL's KTO: single responses that are good or bad.

Source: `docs/source/dataset_formats.md` of TRL 1.16, "unpaired preference".
"""

from __future__ import annotations

from msgspec import Struct

from dpo_tui.datasets.chat import Turn, reply
from dpo_tui.domain.model import Message
from dpo_tui.domain.pairs import Rating


class Row(Struct, frozen=True, gc=False):
    """One response."""

    prompt: tuple[Message, ...]
    completion: tuple[Turn]
    label: bool


def row(rating: Rating) -> Row:
    """The row of a response."""
    return Row(rating.messages, (reply(rating.text),), rating.is_good)
