"""The dataset file that is kept up to date with every decision."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, chain, pairwise
from pathlib import Path
from typing import Any

from dpo_tui.datasets.file import DatasetFile, Span, reading, writing
from dpo_tui.datasets.matching import Layout, find, is_in_place, lines_of, lines_start
from dpo_tui.domain.ledger import Entry, Ledger, Reconciliation, Region
from dpo_tui.domain.pairs import Example
from dpo_tui.errors import DatasetError

_BATCH = 1 << 20


class LiveDataset:
    """A JSONL file that several sessions and people may append to: `service.ports.Dataset`.

    `encode` gives the line, newline included, of what `plan` is given. A symlink is resolved once,
    here.
    """

    def __init__(self, path: Path, encode: Callable[[Any], bytes]) -> None:
        self._path = path.resolve()
        self._encode = encode

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._path

    def plan(self, examples: Sequence[Example]) -> Region:
        """Where and how these would be appended now; writes nothing and never fails."""
        lines = b"".join(map(self._encode, examples))
        try:
            with reading(self._path) as file:
                return Region(0, lines) if file is None else _at_end(file, lines)
        except DatasetError:
            # `reconcile` will tell it; it also finds the place.
            return Region(0, lines)

    def reconcile(self, ledger: Ledger) -> Reconciliation:
        """Make the file agree with the session, however it came to differ, and note it there.

        If nothing is unsettled and the last settled entry is in its place, nothing else is read.
        Else those behind the first unsettled one are looked at, and all of them if one isn't in its
        place: others edited the file, or it is another one. Can be interrupted anywhere and done
        again.

        Raises:
            DatasetError: the file could not be read or changed; calling again later is safe.
        """
        before = ledger.unsettled()
        with writing(self._path, create=lambda: _has_lines(ledger)) as file:
            if file is None:  # nothing is there, and so nothing of what shouldn't be
                ledger.settle(before)
                return Reconciliation(len(before))
            # Read, and noted in the end, under the lock: others of this session write there too.
            result, entries = _agree(file, ledger)
            if entries:
                ledger.settle(entries)
            return result


def _has_lines(ledger: Ledger) -> bool:
    """Whether something should be in the file."""
    wanted = (each for each in chain(ledger.unsettled(), ledger.settled()) if each.wanted)
    return next(wanted, None) is not None


def _agree(file: DatasetFile, ledger: Ledger) -> tuple[Reconciliation, Sequence[Entry]]:
    """Make the file agree; also gives the entries whose places are known anew."""
    unsettled = ledger.unsettled()
    rest = ledger.settled()
    nearby = list(_down_to(rest, min(map(lines_start, unsettled), default=None)))
    # What was there is still there, as far as it is looked at: nobody moved it.
    written = [*nearby, *(each for each in unsettled if not each.wanted)]
    in_place = all(is_in_place(file, each) for each in written)
    if in_place and not unsettled:
        return Reconciliation(), ()
    if nearby and in_place:
        # What we write goes behind these, so nothing of ours is lost before them.
        floor = min(map(lines_start, [*nearby, *unsettled]))
        return _repair(file, nearby[::-1], unsettled, floor)
    return _repair(file, [*nearby, *rest][::-1], unsettled, 0)


def _at_end(file: DatasetFile, lines: bytes) -> Region:
    """These lines at the end of the file, behind a newline if its last line lacks one."""
    end = file.size
    return Region(end, lines if file.begins_line(end) else b"\n" + lines)


def _down_to(entries: Iterator[Entry], offset: int | None) -> Iterator[Entry]:
    """The first entry, and more until one begins at or before `offset`; takes no more from it."""
    for entry in entries:
        yield entry
        if offset is None or lines_start(entry) <= offset:
            return


def _repair(
    file: DatasetFile,
    settled: Sequence[Entry],
    unsettled: Sequence[Entry],
    floor: int,
) -> tuple[Reconciliation, Sequence[Entry]]:
    layout = find(file, settled, unsettled, floor)
    entries = [*settled, *unsettled]
    unwanted = [each for each in entries if not each.wanted]
    spans = sorted(
        [
            *layout.torn.values(),
            *(_span(layout, each) for each in unwanted if each.decision_id in layout.starts),
        ]
    )
    _take_out(file, spans, _own_newlines(layout, unwanted))
    starts = _moved(layout, spans)
    missing = [each for each in entries if each.wanted and each.decision_id not in starts]
    starts |= _append(file, missing)
    placed = [_placed(each, starts) if each.wanted else each for each in entries]
    changed = [
        each
        for number, each in enumerate(placed)
        if number >= len(settled) or each is not entries[number]
    ]
    completed = sum(each.decision_id in layout.torn for each in missing)
    result = Reconciliation(
        settled=len(changed),
        appended=len(missing) - completed,
        removed=len(spans) - completed,
        completed=completed,
    )
    return result, changed


def _span(layout: Layout, entry: Entry) -> Span:
    start = layout.starts[entry.decision_id]
    return Span(start, start + len(lines_of(entry)))


def _own_newlines(layout: Layout, unwanted: Iterable[Entry]) -> set[int]:
    """Which of these entries' lines stand behind a newline that came with them, by their start."""
    return {
        lines_start(each)
        for each in unwanted
        if each.region.data.startswith(b"\n")
        and layout.starts.get(each.decision_id) == lines_start(each)
    }


def _take_out(file: DatasetFile, spans: Sequence[Span], own_newlines: set[int]) -> None:
    """Remove these bytes (ascending): by cutting the file if they are its tail."""
    if not spans:
        return
    start = spans[0].start
    gaps = [one.end - other.start for one, other in pairwise(spans)]
    if spans[-1].end == file.size and not any(gaps):
        # In the middle the newline stays: it ends a line of somebody else.
        file.cut(start - (start in own_newlines))
    else:
        file.take_out(spans)


def _moved(layout: Layout, spans: Sequence[Span]) -> dict[int, int]:
    """Where the lines begin when these bytes are gone, by decision id."""
    ends = [each.end for each in spans]
    gone = [0, *accumulate(each.end - each.start for each in spans)]
    return {
        decision_id: start - gone[bisect_right(ends, start)]
        for decision_id, start in layout.starts.items()
    }


def _append(file: DatasetFile, missing: Iterable[Entry]) -> dict[int, int]:
    """Write the lines of these entries, about `_BATCH` bytes at once; where they begin, by id."""
    starts: dict[int, int] = {}
    batch: list[Entry] = []
    size = 0

    def write() -> None:
        now = _at_end(file, b"".join(map(lines_of, batch)))
        start = file.append(now.data) + now.data.startswith(b"\n")
        for entry in batch:
            starts[entry.decision_id] = start
            start += len(lines_of(entry))
        batch.clear()

    for entry in missing:
        batch.append(entry)
        size += len(lines_of(entry))
        if size >= _BATCH:
            write()
            size = 0
    if batch:
        write()
    return starts


def _placed(entry: Entry, starts: dict[int, int]) -> Entry:
    start = starts[entry.decision_id]
    if start == lines_start(entry):
        return entry
    return replace(entry, region=Region(start, lines_of(entry)))
