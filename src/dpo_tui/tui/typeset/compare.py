"""Two texts beside each other, with the words that only one of them has."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from dpo_tui.display import display
from dpo_tui.tui.typeset.spans import Line, Span, cut, joined, split_lines
from dpo_tui.tui.typeset.wrap import wrap

_TAB = 4
# Passages with more pairs of words than this, twice 100 kB, count as different in all their words:
# comparing them would take longer than a person waits.
_MOST_PAIRS = 300_000_000
_SHORT = 4
"""Characters that tell nothing between two changes that are as long."""


@functools.cache
def _token() -> re.Pattern[str]:
    """A word, an East Asian character or a mark on its own, or the ends of lines."""
    return re.compile(r"\n+|[^\W\u2e80-\u9fff]+|\S")


Run = tuple[int, int, int]
"""What both have: where it begins in one and in the other, and how long it is."""


class _Row(NamedTuple):
    """What stands side by side, below as many empty lines."""

    gap: int
    left: Sequence[Span]
    right: Sequence[Span]


class _SourceLine(NamedTuple):
    """A line that says something, and how many empty ones stand before it."""

    gap: int
    text: str

    @property
    def words(self) -> str:
        return " ".join(self.text.split())


def compare(one: str, other: str, width: int) -> tuple[list[Line], list[Line]]:
    """Both texts as they are stored, each `width` cells wide and with as many lines.

    Words of both are of kind `common`, others `removed` on the left and `added` on the right;
    white space makes no difference. Lines and ends of lines that both have stand in one row.
    """
    left: list[Line] = []
    right: list[Line] = []
    for row in _rows(_source_lines(one), _source_lines(other)):
        for lines, spans in ((left, row.left), (right, row.right)):
            lines.extend([()] * row.gap)
            for line in split_lines(spans):
                lines.extend(wrap(line, width))
        height = max(len(left), len(right))
        for lines in (left, right):
            lines.extend([()] * (height - len(lines)))
    return left, right


def _source_lines(text: str) -> list[_SourceLine]:
    lines: list[_SourceLine] = []
    gap = 0
    for line in display(text).split("\n"):
        if line.isspace() or not line:
            gap += 1
        else:
            lines.append(_SourceLine(gap, line.expandtabs(_TAB).rstrip()))
            gap = 0
    return lines


def _rows(one: Sequence[_SourceLine], other: Sequence[_SourceLine]) -> Iterator[_Row]:
    """Lines that both have, and between them passages that are compared word by word."""
    if one and " ".join(line.words for line in one) == " ".join(line.words for line in other):
        # Only white space differs. Lines of one word said often could be taken for one another.
        yield from _passage_rows(one, other)
        return
    at = at_other = 0
    same = _same([line.words for line in one], [line.words for line in other])
    for begin, begin_other, size in same:
        if at < begin or at_other < begin_other:
            yield from _passage_rows(one[at:begin], other[at_other:begin_other])
        at, at_other = begin + size, begin_other + size
        for left, right in zip(one[begin:at], other[begin_other:at_other], strict=True):
            gap = max(left.gap, right.gap)
            yield _Row(gap, [(left.text, "common")], [(right.text, "common")])


def _passage_rows(one: Sequence[_SourceLine], other: Sequence[_SourceLine]) -> Iterator[_Row]:
    """Differing lines, in rows where both have the end of a line between the same words."""
    gap = max(lines[0].gap for lines in (one, other) if lines)
    left, right = _Passage(one), _Passage(other)
    same = _runs(left.words, right.words)
    common = [
        (begin + offset, begin_other + offset)
        for begin, begin_other, size in _telling(same, left, right)
        for offset in range(size)
    ]
    ends = [
        (begin + offset, begin_other + offset)
        for begin, begin_other, size in same
        for offset in range(size)
        if left.words[begin + offset] == "\n"
    ]
    pieces = zip(
        left.pieces([i for i, _ in common], [i for i, _ in ends], "removed"),
        right.pieces([j for _, j in common], [j for _, j in ends], "added"),
        strict=True,
    )
    gaps = [max(left.empty_lines(i), right.empty_lines(j)) for i, j in ends]
    for before, (left_piece, right_piece) in zip([gap, *gaps], pieces, strict=True):
        yield _Row(before, left_piece, right_piece)


def _runs(one: Sequence[str], other: Sequence[str]) -> list[Run]:
    """The runs of words that both have: all words, if they are the same but for ends of lines."""
    if [word for word in one if word != "\n"] != [word for word in other if word != "\n"]:
        return _same(one, other)
    runs: list[Run] = []
    at = at_other = 0
    while at < len(one) and at_other < len(other):
        if one[at] == other[at_other]:
            runs.append((at, at_other, 1))
            at, at_other = at + 1, at_other + 1
        elif one[at] == "\n":
            at += 1
        else:
            at_other += 1
    return [*runs, (len(one), len(other), 0)]


def _same(one: Sequence[str], other: Sequence[str]) -> list[Run]:
    """The runs that both have, in order; the last one is empty and stands at the ends."""
    if len(one) * len(other) > _MOST_PAIRS:
        return [(len(one), len(other), 0)]
    from rapidfuzz.distance import Levenshtein

    blocks = Levenshtein.editops(one, other).as_matching_blocks()
    return [(block.a, block.b, block.size) for block in blocks]


def _telling(runs: Sequence[Run], one: _Passage, other: _Passage) -> Iterator[Run]:
    """Without the marks and short words that two changes happen to have between them."""
    ends = [(0, 0), *((begin + size, at + size) for begin, at, size in runs)]
    for number, (begin, at, size) in enumerate(runs):
        length = one.length(begin, begin + size)
        last, last_other = ends[number]
        before = max(one.length(last, begin), other.length(last_other, at))
        following, following_other, _ = runs[min(number + 1, len(runs) - 1)]
        after = max(one.length(begin + size, following), other.length(at + size, following_other))
        if length > _SHORT or length > before or length > after:
            yield begin, at, size


class _Passage:
    """Some lines of one side, as words."""

    def __init__(self, lines: Sequence[_SourceLine]) -> None:
        text = "\n".join(["\n" * line.gap + line.text for line in lines]).lstrip("\n")
        self._text = text
        self._tokens = list(_token().finditer(text))
        self.words = ["\n" if token[0][0] == "\n" else token[0] for token in self._tokens]

        lengths = (0 if word == "\n" else len(word) for word in self.words)
        self._lengths = [0, *accumulate(lengths)]

    def length(self, first: int, last: int) -> int:
        """The characters of the words from one to another."""
        return self._lengths[last] - self._lengths[first]

    def empty_lines(self, end: int) -> int:
        """How many empty lines follow on the end of a line."""
        return len(self._tokens[end][0]) - 1

    def pieces(self, common: Sequence[int], ends: Sequence[int], kind: str) -> list[Line]:
        """The text between some ends of lines; words that are not common are of that kind."""
        kinds = [kind] * len(self._tokens)
        for index in common:
            kinds[index] = "common"
        edges = [0, *(edge for end in ends for edge in self._tokens[end].span()), len(self._text)]
        return cut(self._spans(kinds), zip(edges[::2], edges[1::2], strict=True))

    def _spans(self, kinds: Sequence[str]) -> list[Span]:
        """All of the text; white space is of the kind of its neighbours if they are of one."""
        spans: list[Span] = []
        last, last_kind = 0, "common"
        for token, kind in zip(self._tokens, kinds, strict=True):
            if token.start() > last:
                between = kind if kind == last_kind else "common"
                spans.append((self._text[last : token.start()], between))
            spans.append((token[0], kind))
            last, last_kind = token.end(), kind
        return joined([*spans, (self._text[last:], "common")])
