"""Finding the session's own lines in a dataset file that others may have changed.

An entry's lines are known byte for byte, so they can be found wherever they went. Only whole lines
are matched, and no byte is taken for two entries. What was never written can't have gone anywhere:
lines that were there before, equal or not, are somebody else's.
"""

from __future__ import annotations

import codecs
import json
from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec import MsgspecError, Struct, field
from msgspec.json import decode, encode

from dpo_tui.datasets.file import DatasetFile, Span
from dpo_tui.domain.ledger import Entry


def lines_of(entry: Entry) -> bytes:
    """An entry's own lines, without the newline that ends a foreign one before it."""
    data = entry.region.data
    return data[1:] if data.startswith(b"\n") else data


def lines_start(entry: Entry) -> int:
    """Where an entry's own lines begin, as far as the session knows."""
    return entry.region.offset + entry.region.data.startswith(b"\n")


def lines_among(entries: Iterable[Entry]) -> set[bytes]:
    """Every single line of these entries."""
    return {line for each in entries for line in lines_of(each).splitlines(keepends=True)}


def is_in_place(file: DatasetFile, entry: Entry) -> bool:
    """Whether an entry's lines are where the session has them."""
    return file.has_lines(lines_start(entry), lines_of(entry))


def line_start(file: DatasetFile, floor: int) -> int:
    """The first line start at or behind an offset."""
    if file.begins_line(floor):
        return floor
    return next((start + len(line) for start, line in file.lines(floor)), floor)


class Layout(Struct):
    """Which bytes of the file belong to which entry."""

    floors: dict[int, int]
    """Before which offset an entry's lines can't be, by decision id."""
    starts: dict[int, int] = field(default_factory=dict)
    """Where an entry's lines begin, by decision id."""
    pieces: dict[int, list[Span]] = field(default_factory=dict)
    """What is there of an entry whose lines aren't there whole, by decision id."""
    _taken: set[int] = field(default_factory=set)
    """Where the lines of all these begin."""

    def has(self, entry: Entry) -> bool:
        """Whether an entry's lines were found."""
        return entry.decision_id in self.starts

    def is_taken(self, start: int) -> bool:
        """Whether the line that begins there belongs to an entry."""
        return start in self._taken

    def is_free(self, start: int, lines: bytes) -> bool:
        """Whether none of these lines, which begin at `start`, belongs to an entry."""
        return self._begins(start, lines).isdisjoint(self._taken)

    def place(self, entry: Entry, start: int) -> None:
        """Take the bytes from `start` on for an entry, unless some of them are taken."""
        if self._take(entry, start, lines_of(entry)):
            self.starts[entry.decision_id] = start

    def place_torn(self, entry: Entry, start: int, there: bytes) -> bool:
        """Take what is there of a write that was cut off; False if some of it is taken."""
        placed = bool(there) and self._take(entry, start, there)
        if placed:
            self.pieces[entry.decision_id] = [Span(start, start + len(there))]
        return placed

    def place_line(self, entry: Entry, start: int, line: bytes) -> None:
        """Take a line that nobody has for one of an entry's."""
        self._taken.add(start)
        self.pieces.setdefault(entry.decision_id, []).append(Span(start, start + len(line)))

    def _take(self, entry: Entry, start: int, lines: bytes) -> bool:
        if start < self.floors.get(entry.decision_id, 0):
            return False
        begins = self._begins(start, lines)
        if not begins.isdisjoint(self._taken):
            return False
        self._taken |= begins
        return True

    def _begins(self, start: int, lines: bytes) -> set[int]:
        # Only whole lines are taken, so what overlaps has the beginning of a line in common.
        begins = {start}
        end = lines.find(b"\n")
        while -1 < end < len(lines) - 1:
            begins.add(start + end + 1)
            end = lines.find(b"\n", end + 1)
        return begins


def find(file: DatasetFile, entries: Sequence[Entry], gaps: Sequence[Span]) -> Layout:
    """Where the lines of each of these entries are, at the known place or elsewhere in the gaps.

    The gaps are whole lines of which nobody knows whose they are. Of what could be several entries'
    lines, the longest is taken first, so that no part of it is left over. Lines that are equal
    can't be told apart, so that it is enough if there are as many as are claimed. Of an entry that
    isn't there whole, though it was, its rows are taken one by one, however others have put them.
    """
    layout = Layout({each.decision_id: _floor(file, each) for each in entries if not each.written})
    places = _places(file, entries, gaps)
    claims: defaultdict[bytes, list[Entry]] = defaultdict(list)
    for each in entries:
        claims[lines_of(each)].append(each)
    scarce = [
        each for lines, whose in claims.items() if len(places[lines]) < len(whose) for each in whose
    ]
    torn = deque(_torn(file, scarce, layout, gaps))

    def turn(lines: bytes) -> tuple[int, bool]:
        return -len(lines), not any(each.wanted for each in claims[lines])

    for lines in sorted(claims, key=turn):
        # What is there of a write that was cut off can begin with all the lines of another entry.
        while torn and len(torn[0].there) > len(lines):
            torn.popleft().place(layout)
        starts = [each for each in places[lines] if layout.is_free(each, lines)]
        for entry, start in _shared_out(claims[lines], starts, layout.floors):
            layout.place(entry, start)
    searched = {each.decision_id for each in scarce}
    missing = [e for e in entries if not layout.has(e) and e.decision_id not in searched]
    for piece in (*torn, *_torn(file, missing, layout, gaps)):
        piece.place(layout)
    _take_rows(file, entries, layout, gaps)
    return layout


def _shared_out(
    entries: Sequence[Entry], starts: Sequence[int], floors: Mapping[int, int]
) -> list[tuple[Entry, int]]:
    """Which of equal lines, which begin at `starts` (ascending), is whose.

    A wanted one gets one before its equal that should go, and each the one at its known place,
    unless others would get none then, for which only some are behind their floor.
    """
    dealt = _dealt(entries, starts, floors, keeps_known=True)
    if len(dealt) == len(entries) or len(dealt) == len(starts):
        return dealt
    others = _dealt(entries, starts, floors, keeps_known=False)
    return max(dealt, others, key=lambda each: (_wanted_among(each), len(each)))


def _wanted_among(dealt: Iterable[tuple[Entry, int]]) -> int:
    return sum(entry.wanted for entry, _ in dealt)


def _dealt(
    entries: Sequence[Entry], starts: Sequence[int], floors: Mapping[int, int], *, keeps_known: bool
) -> list[tuple[Entry, int]]:
    def turn(entry: Entry) -> tuple[bool, bool, int]:
        is_known = keeps_known and lines_start(entry) in known
        # Whoever can have the fewest first: all of these suit the others too.
        return not entry.wanted, not is_known, -floors.get(entry.decision_id, 0)

    known, free = set(starts), list(starts)
    dealt = []
    for entry in sorted(entries, key=turn):
        floor, planned = floors.get(entry.decision_id, 0), lines_start(entry)
        at = bisect_left(free, planned)
        if not keeps_known or planned < floor or free[at : at + 1] != [planned]:
            at = bisect_left(free, floor)
        if at < len(free):
            dealt.append((entry, free.pop(at)))
    return dealt


def _floor(file: DatasetFile, entry: Entry) -> int:
    """Before which offset the lines of an entry can't be that was not in the file yet.

    That is where the file ended then, unless others have changed what was there.
    """
    end = entry.region.offset
    leads = lines_start(entry) > end
    is_as_it_was = file.read(end, 1) in {b"", b"\n"} if leads else file.begins_line(end)
    return lines_start(entry) if is_as_it_was and end <= file.size else 0


def lines_in(file: DatasetFile, gaps: Iterable[Span]) -> Iterator[tuple[int, bytes, int]]:
    """Every line in the gaps, its offset, and the end of its gap."""
    for gap in gaps:
        for start, line in file.lines(gap.start):
            if start >= gap.end:
                break
            yield start, line, gap.end


def _places(
    file: DatasetFile, entries: Iterable[Entry], gaps: Iterable[Span]
) -> dict[bytes, list[int]]:
    """Where the lines of these entries stand in the gaps, first one first."""
    places: dict[bytes, list[int]] = {lines_of(each): [] for each in entries}
    if not places:
        return places
    by_first: defaultdict[bytes, list[bytes]] = defaultdict(list)
    for lines in places:
        by_first[_first_line(lines)].append(lines)
    for start, line, end in lines_in(file, gaps):
        for lines in by_first.get(line, ()):
            if start + len(lines) <= end and file.read(start, len(lines)) == lines:
                places[lines].append(start)
    return places


def _first_line(lines: bytes) -> bytes:
    return lines[: lines.index(b"\n") + 1]


def _ended(line: bytes) -> bytes:
    """A line with the newline that the last one of a file can lack."""
    return line if line.endswith(b"\n") else line + b"\n"


class _Piece(NamedTuple):
    """What is there of a write that was cut off."""

    start: int
    there: bytes
    entries: Sequence[Entry]
    """Those of which it can be, whose lines are equal."""

    def place(self, layout: Layout) -> None:
        """Take it for the first of these that has nothing yet, if no byte of it is taken."""
        for each in self.entries:
            has_some = layout.has(each) or each.decision_id in layout.pieces
            if not has_some and layout.place_torn(each, self.start, self.there):
                break


def _torn(
    file: DatasetFile, entries: Sequence[Entry], layout: Layout, gaps: Iterable[Span]
) -> list[_Piece]:
    """What could be there of these entries, the longest first."""
    if not entries:
        return []
    by_lines: defaultdict[bytes, list[Entry]] = defaultdict(list)
    planned: defaultdict[int, list[bytes]] = defaultdict(list)
    for each in entries:
        by_lines[lines_of(each)].append(each)
        planned[lines_start(each)].append(lines_of(each))
    texts = sorted(by_lines)
    first_lines = {_first_line(lines) for lines in texts}
    longest = max(map(len, texts))
    pieces = []
    for start, line, end in lines_in(file, gaps):
        if layout.is_taken(start) or (_ended(line) not in first_lines and _is_json(line)):
            continue
        there = file.read(start, min(longest, end - start))
        # What has most of its beginning in common with it stands beside it in the order, but for
        # what has as much, of which that is meant which was to be written here.
        place = bisect_left(texts, there)
        for text in (*planned.get(start, ()), *texts[max(place - 1, 0) : place + 1]):
            length = torn_length(file, start, text[: end - start])
            pieces.append(_Piece(start, there[:length], by_lines[text]))
    return sorted(pieces, key=lambda each: -len(each.there))


def _take_rows(
    file: DatasetFile, entries: Iterable[Entry], layout: Layout, gaps: Iterable[Span]
) -> None:
    """Take the rows of those that were there, and of which not all was found."""
    claims: defaultdict[bytes, deque[Entry]] = defaultdict(deque)
    for each in entries:
        if each.written and not layout.has(each):
            rows = Counter(map(row_of, lines_of(each).splitlines()))
            for start, end in layout.pieces.get(each.decision_id, ()):
                rows.subtract(map(row_of, file.read(start, end - start).splitlines()))
            for row in rows.elements():
                claims[row].append(each)
    if claims:
        for start, line, _ in lines_in(file, gaps):
            if not layout.is_taken(start) and (claimants := claims.get(row_of(line))):
                layout.place_line(claimants.popleft(), start, line)


def row_of(line: bytes) -> bytes:
    """What a line says, however it is spaced, ordered, escaped and ended."""
    text = line.removeprefix(codecs.BOM_UTF8).strip()
    try:
        return encode(decode(text), order="sorted")
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        return text


def torn_length(file: DatasetFile, start: int, lines: bytes) -> int:
    """How many bytes at a line start are the beginning of a write of `lines` that was cut off.

    The last line of it is broken off, so it is no JSON; behind the break stand the end of the file,
    a newline (of a writer that saw the broken line), or a whole row (of one that didn't look).
    The newline that ends the broken line counts as part of it.
    """
    there = file.read(start, len(lines))
    common = _common_length(there, lines)
    last = lines.rfind(b"\n", 0, common) + 1
    _, rest = next(file.lines(start + last), (0, b""))
    if common < len(there) and common > last and _is_json(rest):
        return last  # the whole line of somebody else, that begins like ours
    for length in range(common - last, 0, -1):
        if rest[length : length + 2] in {b"", b"\n"}:
            return last + len(rest)
        if rest[length] == ord("{") and _is_json(rest[length:]):
            return last + length
    return last


def _common_length(one: bytes, other: bytes) -> int:
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
