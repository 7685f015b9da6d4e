"""Going through a dataset file from the front, beside what the session knows of it.

As long as the session's own lines are all there, and in their order, this tells where each of them
is now, whatever others have put between them or taken away. It needs a few bytes of memory an
entry, not their lines.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Set

from msgspec import Struct, field

from dpo_tui.datasets.file import DatasetFile, Span
from dpo_tui.datasets.matching import line_start, lines_of, lines_start
from dpo_tui.domain.ledger import Entry


def _numbers() -> array[int]:
    return array("q")


class Walk(Struct):
    """Where entries are."""

    ids: array[int] = field(default_factory=_numbers)
    """Their decision ids, in the order of the file."""
    known: array[int] = field(default_factory=_numbers)
    """Where the lines of each were known to begin."""
    starts: array[int] = field(default_factory=_numbers)
    """Where they begin."""
    gaps: list[Span] = field(default_factory=list)
    """Whole lines between and behind them, that belong to none of them."""


def walk(
    file: DatasetFile,
    entries: Iterable[Entry],
    floor: int,
    doubtful: Set[bytes],
    *,
    searches: bool,
) -> Walk | None:
    """Look at every entry (in the order of the file), and at the lines from `floor` on.

    None if one isn't in its place, or, with `searches`, nowhere behind the one before either; and
    if one has any of the `doubtful` lines, which can be another's wherever they stand.
    """
    found = Walk()
    at, shift = 0, 0
    # What is before the floor need not be an entry's to belong to one: not all of these are given.
    begin = line_start(file, floor)
    for entry in entries:
        lines, known = lines_of(entry), lines_start(entry)
        start: int | None = known + shift
        if doubtful and not doubtful.isdisjoint(lines.splitlines(keepends=True)):
            return None
        if known + shift < at or not file.has_lines(known + shift, lines):
            if not searches:
                return None
            start = next((each for each, _ in file.lines(at) if file.has_lines(each, lines)), None)
        if start is None:
            return None
        shift = start - known
        if start > max(at, begin):
            found.gaps.append(Span(max(at, begin), start))
        found.ids.append(entry.decision_id)
        found.known.append(known)
        found.starts.append(start)
        at = start + len(lines)
    if max(at, begin) < file.size:
        found.gaps.append(Span(max(at, begin), file.size))
    return found
