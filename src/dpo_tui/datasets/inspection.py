"""Whether a dataset file holds what a session wants in it: looked at, not changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from operator import ne
from pathlib import Path

from dpo_tui.datasets.file import DatasetFile, Span, reading
from dpo_tui.datasets.matching import (
    Layout,
    find,
    lines_among,
    lines_in,
    lines_of,
    lines_start,
    row_of,
)
from dpo_tui.datasets.walk import Walk, walk
from dpo_tui.domain.ledger import Entry, Knowledge

_FEW = 5
"""Line numbers that are told."""


def inspect_dataset(path: Path, ledger: Knowledge) -> Iterator[str]:
    """What is wrong with the file, in words, one finding each.

    Raises:
        DatasetError: it can't be read.
    """
    unsettled = ledger.unsettled()
    with reading(path) as file:
        if file is None:
            wanted = sum(each.wanted for each in chain(ledger.in_order(0), unsettled))
            if wanted:
                yield f"it is not there: the pairs of {wanted} decisions are missing"
            return
        found = walk(file, ledger.in_order(0), 0, lines_among(unsettled), searches=True)
        if found:
            others = unsettled
        else:
            found, others = Walk(gaps=[Span(0, file.size)]), [*ledger.in_order(0), *unsettled]
        layout = find(file, others, found.gaps)
        yield from _differences(found, layout, others)
        yield from _strays(file, ledger, found.gaps, layout)


def _differences(found: Walk, layout: Layout, others: Sequence[Entry]) -> Iterator[str]:
    wanted = [each for each in others if each.wanted]
    missing = sum(not layout.has(each) for each in wanted)
    in_part = sum(each.decision_id in layout.pieces for each in wanted)
    unwanted = sum(
        layout.has(each) or each.decision_id in layout.pieces for each in others if not each.wanted
    )
    moved = sum(map(ne, found.starts, found.known)) + sum(
        layout.starts.get(each.decision_id, lines_start(each)) != lines_start(each)
        for each in wanted
    )
    if missing - in_part:
        yield f"the pairs of {missing - in_part} decisions are missing"
    if in_part:
        yield f"the pairs of {in_part} decisions are cut off, torn apart or written otherwise"
    if unwanted:
        yield f"the pairs of {unwanted} decisions are there and should be gone"
    if moved:
        yield f"the pairs of {moved} decisions are at other places than the session has them"


def _strays(
    file: DatasetFile, ledger: Knowledge, gaps: Sequence[Span], layout: Layout
) -> Iterator[str]:
    """Lines that are there once more: ours, or of somebody with the same words."""
    # Hashes, since the file can be full of lines of others.
    theirs = {
        start: hash(row_of(line))
        for start, line, _ in lines_in(file, gaps)
        if not layout.is_taken(start)
    }
    if not theirs:
        return
    foreign = set(theirs.values())
    ours = {
        row
        for entry in chain(ledger.in_order(0), ledger.unsettled())
        for line in lines_of(entry).splitlines()
        if (row := hash(row_of(line))) in foreign
    }
    strays = {start for start, row in theirs.items() if row in ours}
    if strays:
        numbers = [number for number, (start, _) in enumerate(file.lines(0), 1) if start in strays]
        few = ", ".join(map(str, numbers[:_FEW])) + (", ..." if len(numbers) > _FEW else "")
        yield (
            f"{len(strays)} lines say again what is there already (line {few}); who wrote them "
            "can't be known, so they are left: remove them if they are not meant"
        )
