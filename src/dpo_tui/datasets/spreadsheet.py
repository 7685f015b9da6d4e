"""CSV that is safe to open in a spreadsheet: see `domain.cells`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import cast

from dpo_tui.datasets.transcript import transcript
from dpo_tui.domain.cells import COLUMNS, safe_cell
from dpo_tui.domain.model import Message, Pair
from dpo_tui.domain.pairs import Example

MAX_CELL = 32_767
"""Characters that a cell of the usual spreadsheets holds."""
_BOM = "\ufeff".encode()
"""Without it, they take UTF-8 for something else."""
_QUOTED = ('"', ",", "\r", "\n")
"""What makes a cell one that stands in quotes."""
_MESSAGES = attrgetter("messages")


def header(meta: str | None) -> bytes:
    """What a file begins with; `meta` is the name of the column of metadata, if it has one."""
    names = (*COLUMNS, meta) if meta else COLUMNS
    return _BOM + ",".join(names).encode() + b"\r\n"


def table(examples: Sequence[Example], metas: Sequence[str] | None) -> bytes:
    """Pairs as rows of CSV (RFC 4180): system, prompt, chosen, rejected.

    Python's own writer looks at every character by itself, which takes five times as long.
    """
    rows = _rows(cast("Sequence[Pair]", examples))
    if metas is not None:
        rows = (b"%b,%b" % each for each in zip(rows, map(_cell, metas), strict=True))
    return b"".join(b"%b\r\n" % each for each in rows)


def row(pair: Pair) -> tuple[str, ...]:
    """The cells of a pair."""
    return (*_asked(pair.messages), safe_cell(pair.chosen), safe_cell(pair.rejected))


def _asked(messages: Sequence[Message]) -> tuple[str, str]:
    has_system = messages[0].role == "system"
    system = safe_cell(messages[0].content) if has_system else ""
    return system, safe_cell(transcript(messages[has_system:]))


def _rows(pairs: Sequence[Pair]) -> Iterator[bytes]:
    """What the pairs of a prompt share is made once."""
    for messages, neighbours in groupby(pairs, _MESSAGES):
        system, prompt = _asked(messages)
        asked = b"%b,%b" % (_cell(system), _cell(prompt))
        sides = _Sides()
        for pair in neighbours:
            yield b"%b,%b,%b" % (asked, sides[pair.chosen], sides[pair.rejected])


class _Sides(dict[str, bytes]):
    """Responses as cells."""

    def __missing__(self, text: str) -> bytes:
        cell = self[text] = _cell(safe_cell(text))
        return cell


def _cell(text: str) -> bytes:
    if any(each in text for each in _QUOTED):
        text = '"' + text.replace('"', '""') + '"'
    return text.encode()
