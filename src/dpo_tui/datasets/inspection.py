"""Whether a dataset file holds what a session wants in it: looked at, not changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from dpo_tui.datasets.file import DatasetFile, Span, reading
from dpo_tui.datasets.matching import Layout, find, lines_of, lines_start
from dpo_tui.domain.ledger import Entry

_FEW = 5
"""Line numbers that are told."""


def inspect_dataset(path: Path, entries: Sequence[Entry]) -> Iterator[str]:
    """What is wrong with the file, in words, one finding each.

    Raises:
        DatasetError: it can't be read.
    """
    wanted = [each for each in entries if each.wanted]
    with reading(path) as file:
        if file is None:
            if wanted:
                yield f"it is not there: the pairs of {len(wanted)} decisions are missing"
            return
        layout = find(file, entries, [Span(0, file.size)])
        missing = sum(not layout.has(each) for each in wanted)
        torn = sum(each.decision_id in layout.torn for each in wanted)
        unwanted = sum(layout.has(each) for each in entries if not each.wanted)
        moved = sum(
            layout.starts.get(each.decision_id, lines_start(each)) != lines_start(each)
            for each in wanted
        )
        if missing - torn:
            yield f"the pairs of {missing - torn} decisions are missing"
        if torn:
            yield f"the pairs of {torn} decisions are cut off"
        if unwanted:
            yield f"the pairs of {unwanted} decisions are there and should be gone"
        if moved:
            yield f"the pairs of {moved} decisions are at other places than the session has them"
        yield from _strays(file, entries, layout)


def _strays(file: DatasetFile, entries: Sequence[Entry], layout: Layout) -> Iterator[str]:
    """Lines that are there once more: ours, or of somebody with the same words."""
    ours = {line for each in entries for line in lines_of(each).splitlines(keepends=True)}
    strays = [
        number
        for number, (start, line) in enumerate(file.lines(0), start=1)
        if line in ours and not layout.is_taken(start)
    ]
    if strays:
        few = ", ".join(map(str, strays[:_FEW])) + (", ..." if len(strays) > _FEW else "")
        yield (
            f"{len(strays)} lines say again what is there already (line {few}); who wrote them "
            "can't be known, so they are left: remove them if they are not meant"
        )
