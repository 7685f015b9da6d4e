"""Changing a dataset file so that it has what it should, and noting where everything is then."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, chain, pairwise
from operator import ne

from msgspec.structs import replace

from dpo_tui.datasets.file import DatasetFile, Span
from dpo_tui.datasets.matching import Layout, find, lines_of, lines_start
from dpo_tui.datasets.walk import Walk
from dpo_tui.domain.ledger import Entry, Ledger, Reconciliation, Region

_BATCH = 1 << 20


def at_end(file: DatasetFile, lines: bytes) -> Region:
    """These lines at the end of the file, behind a newline if its last line lacks one."""
    end = file.size
    return Region(end, lines if file.begins_line(end) else b"\n" + lines)


def mend(file: DatasetFile, ledger: Ledger, found: Walk, others: Sequence[Entry]) -> Reconciliation:
    """Take out what should not be there, append what should, and note where everything is.

    `others` are the entries that are still to be looked for, in the gaps.
    """
    layout = find(file, others, found.gaps)
    unwanted = [each for each in others if not each.wanted]
    missing = [each for each in others if each.wanted and not layout.has(each)]
    spans = sorted(
        chain(
            *layout.pieces.values(),
            (_span(layout, each) for each in unwanted if layout.has(each)),
        )
    )
    if spans:
        _note_first_seen(ledger, layout, others)
    _take_out(file, spans, _own_newlines(layout, unwanted))
    _plan_anew(file, ledger, missing)
    shift = _Shift(spans)
    starts = {each: shift(start) for each, start in layout.starts.items()}
    changed = [replace(each, region=region) for each, region in _append(file, missing)]
    changed += [_placed(each, starts) for each in others if each.wanted and layout.has(each)]
    changed += [_gone(file, each) for each in unwanted]
    places = array("q", map(shift, found.starts))
    moved = sum(map(ne, places, found.known))
    if changed or moved:
        ledger.settle(chain(changed, _moved(found.ids, found.known, places)))
    completed = sum(each.decision_id in layout.pieces for each in missing)
    return Reconciliation(
        settled=len(changed) + moved,
        appended=len(missing) - completed,
        removed=sum(layout.has(each) or each.decision_id in layout.pieces for each in unwanted),
        completed=completed,
        restored=sum(each.written for each in missing),
    )


def _note_first_seen(ledger: Ledger, layout: Layout, entries: Iterable[Entry]) -> None:
    """Note of lines that they were written, before what is taken out moves them.

    They are looked for from the planned place on, and could be before it afterwards.
    """
    first_seen = [e for e in entries if e.wanted and not e.written and layout.has(e)]
    if first_seen:
        ledger.settle([_placed(each, layout.starts) for each in first_seen])


def _plan_anew(file: DatasetFile, ledger: Ledger, missing: Iterable[Entry]) -> None:
    """Note where lines will be that were to be written behind what is gone by now."""
    end = file.size
    beyond = [each for each in missing if not each.written and each.region.offset > end]
    if beyond:
        ledger.plan([replace(each, region=at_end(file, lines_of(each))) for each in beyond])


def _gone(file: DatasetFile, entry: Entry) -> Entry:
    """An entry that isn't in the file: if it is written again, then behind all that is there."""
    return replace(entry, region=Region(file.size, lines_of(entry)))


def write_anew(file: DatasetFile, ledger: Ledger, unsettled: Sequence[Entry]) -> Reconciliation:
    """Write everything that should be there into an empty file."""
    ids, known, starts = array("q"), array("q"), array("q")
    restored = 0
    for entry, region in _append(file, filter(_is_wanted, chain(ledger.in_order(0), unsettled))):
        ids.append(entry.decision_id)
        known.append(-1)
        starts.append(region.offset)
        restored += entry.written
    gone = [_gone(file, each) for each in unsettled if not each.wanted]
    ledger.settle(chain(gone, _moved(ids, known, starts)))
    return Reconciliation(settled=len(gone) + len(ids), appended=len(ids), restored=restored)


def _is_wanted(entry: Entry) -> bool:
    return entry.wanted


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


class _Shift:
    """Where what stood at an offset stands once these bytes (ascending) are gone."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._ends = [each.end for each in spans]
        self._gone = [0, *accumulate(each.end - each.start for each in spans)]

    def __call__(self, start: int) -> int:
        return start - self._gone[bisect_right(self._ends, start)]


def _append(file: DatasetFile, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Region]]:
    """Write the lines of these entries, about `_BATCH` bytes at once; each, and where it is."""
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        batch.append(entry)
        size += len(lines_of(entry))
        if size >= _BATCH:
            yield from _append_batch(file, batch)
            batch, size = [], 0
    if batch:
        yield from _append_batch(file, batch)


def _append_batch(file: DatasetFile, batch: Sequence[Entry]) -> Iterator[tuple[Entry, Region]]:
    now = at_end(file, b"".join(map(lines_of, batch)))
    start = file.append(now.data)
    lead = b"\n" if now.data.startswith(b"\n") else b""
    for entry in batch:
        region = Region(start, lead + lines_of(entry))
        yield entry, region
        start += len(region.data)
        lead = b""


def _placed(entry: Entry, starts: Mapping[int, int]) -> Entry:
    start = starts[entry.decision_id]
    if start == lines_start(entry):
        return entry
    return replace(entry, region=Region(start, lines_of(entry)))


def _moved(ids: array[int], known: array[int], starts: array[int]) -> Iterator[Entry]:
    """The entries that are elsewhere than was known, without their lines."""
    for decision_id, before, start in zip(ids, known, starts, strict=True):
        if start != before:
            yield Entry(decision_id, Region(start, b""), wanted=True, written=True)
