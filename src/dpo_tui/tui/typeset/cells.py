"""How many cells a text takes, and where it can be broken to fit into a width."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from rich.cells import cell_len, split_graphemes

Cut = tuple[int, int]
"""Where a line begins and ends, as character offsets into the text."""

# Characters of one cell each, as rich counts them, by far the most of what is written in
# alphabets: letters, typographic punctuation, arrows, mathematics, box drawing. What isn't here
# is looked up character by character, which is slower, not different.
_NARROW = (
    "[ -~\u00a0-\u00ac\u00ae-\u02ff\u0370-\u0482\u048a-\u052f\u05d0-\u05ea\u0620-\u064a"
    "\u2010-\u2027\u2030-\u205e\u2070-\u20cf\u2100-\u2319\u2500-\u25fc\u2800-\u28ff]*"
)
# East Asian characters, which a line may be broken between; Korean has spaces for that.
_EAST_ASIAN = (
    "\u3041-\u3096\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0002fffd\U00030000-\U0003fffd"
)
# Marks that never end a line, and marks that never begin one; so do those that combine.
_OPENING = "\u3008\u300a\u300c\u300e\u3010\u3014\u3016\uff08\uff3b\uff5b"
_CLOSING = (
    "\u3001-\u3005\u3009\u300b\u300d\u300f\u3011\u3015\u3017\u309d\u309e\u30fb-\u30fe"
    "\uff01\uff09\uff0c\uff0e\uff1a\uff1b\uff1f\uff3d\uff5d"
)
_CLOSING_OTHERS = (
    "\u2019\u201d\u2026!),.:;?\\]}\u0300-\u036f\u200d\u3099\u309a\ufe00-\ufe0f\U000e0100-\U000e01ef"
)
_ENDING = f"{_CLOSING}{_CLOSING_OTHERS}"
_PART = (
    f"[{_OPENING}]*(?:[{_EAST_ASIAN}]|[^{_EAST_ASIAN}{_OPENING}{_ENDING}]+)[{_ENDING}]*"
    f"|[{_OPENING}]+|[{_ENDING}]+"
)
_ANY_EAST_ASIAN = f"[{_EAST_ASIAN}]"
_WIDE = f"[{_EAST_ASIAN}{_OPENING}{_CLOSING}]+"
_WORD = re.compile(r"^ *[^ ]+|[^ ]+")  # an indent belongs to the first one
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")


@functools.cache
def _pattern(source: str) -> re.Pattern[str]:
    """Compiled when first needed: sets of so many characters take 2 ms each."""
    return re.compile(source)


def is_narrow(text: str) -> bool:
    """Whether each character is known to take one cell; False says nothing."""
    return text.isascii() or _pattern(_NARROW).fullmatch(text) is not None


def is_wide(text: str) -> bool:
    """Whether each character is known to take two cells; False says nothing."""
    return _pattern(_WIDE).fullmatch(text) is not None


def cells(text: str) -> int:
    """The cells that a text takes."""
    if is_narrow(text):
        return len(text)
    return len(text) * 2 if is_wide(text) else cell_len(text)


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
        if _pattern(_ANY_EAST_ASIAN).search(word[0]):
            is_all_wide = is_wide(word[0])
            for part in _pattern(_PART).finditer(text, word.start(), word.end()):
                start, end = part.span()
                yield start, end, (end - start) * 2 if is_all_wide else cells(part[0])
        else:
            yield word.start(), word.end(), cells(word[0])


def _filled(text: str, start: int, width: int) -> list[Cut]:
    """Cuts of what follows a place, each as full as it can be."""
    cuts: list[Cut] = []
    used = 0
    first = start
    for begin, _, size in graphemes(text, start):
        if used + size > width and begin > first:
            cuts.append((first, begin))
            first, used = begin, 0
        used += size
    return [*cuts, (first, len(text))] if first < len(text) else cuts


def graphemes(text: str, start: int = 0) -> list[tuple[int, int, int]]:
    """Start, end and cells of what must stay together, from a place on."""
    spans = split_graphemes(text[start:])[0]
    result: list[tuple[int, int, int]] = []
    has_flags = _FLAG.search(text, start)
    for begin, stop, size in spans:
        if has_flags and result and _FLAG.fullmatch(text, result[-1][0], start + stop):
            result[-1] = (result[-1][0], start + stop, result[-1][2] + size)
        else:
            result.append((start + begin, start + stop, size))
    return result
