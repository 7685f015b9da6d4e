"""How many cells a text takes, and where it can be broken to fit into a width."""

from __future__ import annotations

import re
from collections.abc import Iterator
from unicodedata import category

from rich.cells import cell_len, split_graphemes

Cut = tuple[int, int]
"""Where a line begins and ends, as character offsets into the text."""

# Characters of one cell each, as rich counts them, by far the most of what is written in
# alphabets: letters, typographic punctuation, arrows, mathematics, box drawing. What isn't here
# is looked up character by character, which is slower, not different.
_NARROW = re.compile(
    "[ -~\u00a0-\u00ac\u00ae-\u02ff\u0370-\u0482\u048a-\u052f\u05d0-\u05ea\u0620-\u064a"
    "\u2010-\u2027\u2030-\u205e\u2070-\u20cf\u2100-\u2319\u2500-\u25fc\u2800-\u28ff]*"
)
# Unicode's categories of marks that East Asian typesetting never puts first, or last, in a line.
_NEVER_FIRST = frozenset({"Pe", "Pf", "Po", "Lm"})
_NEVER_LAST = frozenset({"Ps", "Pi"})
_WORD = re.compile(r"^ *[^ ]+|[^ ]+")  # an indent belongs to the first one
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")


def is_narrow(text: str) -> bool:
    """Whether each character is known to take one cell; False says nothing."""
    return text.isascii() or _NARROW.fullmatch(text) is not None


def cells(text: str) -> int:
    """The cells that a text takes."""
    return len(text) if is_narrow(text) else cell_len(text)


def word_cuts(text: str, width: int) -> list[Cut]:
    """Lines of whole words, without the spaces at the breaks; what is too long is broken inside.

    Between East Asian characters a line may end without a space.
    """
    return _narrow_cuts(text, width) if is_narrow(text) else _wide_cuts(text, width)


def hard_cuts(text: str, width: int) -> list[Cut]:
    """Lines as full as they can be, every character kept."""
    if is_narrow(text):
        return [(at, min(at + width, len(text))) for at in range(0, len(text), width)] or [(0, 0)]
    return _filled(text, 0, width) or [(0, 0)]


def _narrow_cuts(text: str, width: int) -> list[Cut]:
    cuts: list[Cut] = []
    start, length = 0, len(text)
    while length - start > width:
        space = text.rfind(" ", start, start + width + 1)
        end = start + len(text[start:space].rstrip(" ")) if space > start else start
        if end == start:  # one word, or an indent with a word that doesn't fit behind it
            end = space = start + width
        cuts.append((start, end))
        start = space
        while start < length and text[start] == " ":
            start += 1
    if start < length or not cuts:
        cuts.append((start, length))
    return cuts


def _wide_cuts(text: str, width: int) -> list[Cut]:
    cuts: list[Cut] = []
    first = last = used = 0  # of the line: its two ends, its cells
    for start, end, size in _units(text):
        used += start - last + size
        if used > width and last > first:
            cuts.append((first, last))
            first, used = start, size
        last = end
        if used > width:  # one word, or an indent with a word that doesn't fit behind it
            *full, (first, _) = _filled(text[:end], first, width)
            cuts += full
            used = cells(text[first:end])
    return [*cuts, (first, last)]


def _units(text: str) -> Iterator[tuple[int, int, int]]:
    """Start, end and cells of what a line is not broken inside."""
    for word in _WORD.finditer(text):
        if is_narrow(word[0]):
            yield word.start(), word.end(), word.end() - word.start()
            continue
        begun, end, size = word.start(), word.start(), 0
        before: tuple[str, int] | None = None
        for grapheme_start, grapheme_end, more in _graphemes(text, word.start(), word.end()):
            character = text[grapheme_start]
            if before and _may_part(*before, character, more):
                yield begun, end, size
                begun, size = end, 0
            end, size, before = grapheme_end, size + more, (character, more)
        yield begun, end, size


def _filled(text: str, start: int, width: int) -> list[Cut]:
    """Cuts of what follows a place, each as full as it can be."""
    cuts: list[Cut] = []
    used = 0
    first = start
    for begin, _, size in _graphemes(text, start, len(text)):
        if used + size > width and begin > first:
            cuts.append((first, begin))
            first, used = begin, 0
        used += size
    return [*cuts, (first, len(text))] if first < len(text) else cuts


def _graphemes(text: str, start: int, end: int) -> list[tuple[int, int, int]]:
    """Start, end and cells of what must stay together."""
    spans = split_graphemes(text[start:end])[0]
    result: list[tuple[int, int, int]] = []
    has_flags = _FLAG.search(text, start, end)
    for begin, stop, size in spans:
        if has_flags and result and _FLAG.fullmatch(text, result[-1][0], start + stop):
            result[-1] = (result[-1][0], start + stop, result[-1][2] + size)
        else:
            result.append((start + begin, start + stop, size))
    return result


def _may_part(one: str, one_size: int, other: str, other_size: int) -> bool:
    """Whether a line may be broken between two neighbours that no space parts."""
    if one_size < 2 and other_size < 2:
        return False
    return category(other) not in _NEVER_FIRST and category(one) not in _NEVER_LAST
