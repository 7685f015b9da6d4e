"""Which cards stand where: the list, the columns, two compared, or one alone."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec.structs import replace

from dpo_tui.domain.model import State
from dpo_tui.service.sheet import Card
from dpo_tui.tui.block import Block, View
from dpo_tui.tui.page import Page, column_width
from dpo_tui.tui.typeset import compare

NARROWEST = 60
"""Cells that a card needs beside another one."""
_MOST_COLUMNS = 4


class Layout(StrEnum):
    """How the cards of a group are laid out."""

    LIST = "list"
    COLUMNS = "columns"
    COMPARE = "compare"
    READER = "reader"


def columns_in(width: int, cards: int) -> int:
    """How many cards there is room for beside each other."""
    return max(1, min(width // NARROWEST, cards, _MOST_COLUMNS))


def in_columns(cards: Sequence[Card], columns: int, width: int, view: View) -> Page:
    """Every card, in rows of `columns`, in the order given; `view.width` is set here."""
    each = column_width(width, columns)
    view = replace(view, width=each)
    return Page([Block(card, view) for card in cards], columns, each)


def compared(left: Card, right: Card, width: int, view: View) -> Page:
    """Two cards side by side, with what differs between them."""
    each = column_width(width, 2)
    view = replace(view, width=each)
    texts = compare(left.text.strip(), right.text.strip(), view.text_width)
    pairs = zip((left, right), texts, strict=True)
    return Page([Block(card, view, body) for card, body in pairs], 2, each)


def reference_card(text: str) -> Card:
    """A prompt's reference answer, to be compared with; no card of the group."""
    return Card(
        slot=-1, number=0, mark=None, phase=None, state=State.COMPLETE, usable=False, text=text
    )
