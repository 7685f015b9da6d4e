"""Where a text says what is searched for."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from dpo_tui.tui.typeset.spans import Line, cut, plain

# What may stand between two words, also where the second is on the next line.
_BETWEEN = re.compile(r"[\s│┆▌•]+")


def find(lines: Sequence[Line], query: str) -> tuple[list[Line], list[int]]:
    """The lines with matches as spans of kind `match`, and the numbers of the lines that have one.

    Case makes no difference, nor does it where a line is broken between words. A match that goes
    on in the next line counts for the line that it begins in.
    """
    texts = [plain(line) for line in lines]
    parts: dict[int, list[tuple[int, int]]] = defaultdict(list)
    begun: dict[int, None] = {}
    for match in _matches(texts, query):
        begun[match[0][0]] = None
        for number, start, end in match:
            parts[number].append((start, end))
    found = [
        _marked(line, parts[number]) if number in parts else line
        for number, line in enumerate(lines)
    ]
    return found, list(begun)


def _matches(texts: Sequence[str], query: str) -> Iterator[list[tuple[int, int, int]]]:
    """Each match as its parts: the number of the line, and where in it."""
    words = query.split()
    if not words:
        return
    starts = [0, *accumulate(len(text) + 1 for text in texts)]
    pattern = re.compile(_BETWEEN.pattern.join(map(re.escape, words)), re.IGNORECASE)
    for match in pattern.finditer("\n".join(texts)):
        first = bisect_right(starts, match.start()) - 1
        last = bisect_right(starts, match.end() - 1) - 1
        parts: list[tuple[int, int, int]] = []
        for number in range(first, last + 1):
            indent = _BETWEEN.match(texts[number]) if number > first else None
            start = indent.end() if indent else max(match.start() - starts[number], 0)
            parts.append((number, start, min(match.end() - starts[number], len(texts[number]))))
        yield parts


def _marked(line: Line, parts: Sequence[tuple[int, int]]) -> Line:
    edges = [0, *(edge for part in parts for edge in part), len(plain(line))]
    pieces = cut(line, pairwise(edges))
    spans = [
        span
        for number, piece in enumerate(pieces)
        for span in ([(plain(piece), "match")] if number % 2 else piece)
    ]
    return tuple(spans)
