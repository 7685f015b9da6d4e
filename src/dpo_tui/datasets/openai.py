"""Preference tuning at OpenAI, Azure OpenAI, Together and Fireworks.

Together refuses a file with any other column. Source: the vendors' documentation, and
`together/utils/files.py` of Together's client 1.6.
"""

from __future__ import annotations

from msgspec import Struct

from dpo_tui.datasets.chat import Turn, reply
from dpo_tui.domain.model import Message, Pair


class Input(Struct, frozen=True, gc=False):
    """The prompt."""

    messages: tuple[Message, ...]


class Row(Struct, frozen=True, gc=False):
    """One pair."""

    input: Input
    preferred_output: tuple[Turn]
    non_preferred_output: tuple[Turn]


def row(pair: Pair) -> Row:
    """The row of a pair."""
    return Row(Input(pair.messages), (reply(pair.chosen),), (reply(pair.rejected),))
