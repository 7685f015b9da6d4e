"""TRL's plain strings: for base models, and for code that applies a template of its own.

Source: `docs/source/dataset_formats.md` of TRL 1.16, "standard" with an explicit prompt.
"""

from __future__ import annotations

from msgspec import Struct

from dpo_tui.datasets.transcript import transcript
from dpo_tui.domain.model import Pair


class Row(Struct, frozen=True, gc=False):
    """One pair."""

    prompt: str
    chosen: str
    rejected: str


def row(pair: Pair) -> Row:
    """The row of a pair."""
    return Row(transcript(pair.messages), pair.chosen, pair.rejected)
