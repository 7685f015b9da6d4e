"""One line of text as the lines of the screen that it takes."""

from __future__ import annotations

from collections.abc import Sequence

from dpo_tui.tui.typeset.cells import cells, hard_cuts, word_cuts
from dpo_tui.tui.typeset.spans import Line, Span, cut, plain


def wrap(spans: Sequence[Span], width: int) -> list[Line]:
    """Break between words. At least one line; none is wider than the width."""
    text = plain(spans)
    if cells(text) <= width:
        return [tuple(spans)] if text else [()]
    return cut(spans, word_cuts(text, width))


def chop(spans: Sequence[Span], width: int) -> list[Line]:
    """Break wherever a line is full: for code, whose spaces mean something."""
    text = plain(spans)
    if cells(text) <= width:
        return [tuple(spans)]
    return cut(spans, hard_cuts(text, width))
