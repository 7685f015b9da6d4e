"""The dataset file that is kept up to date with every decision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from dpo_tui.datasets.file import DatasetFile, Span, Stamp, is_stamped, reading, writing
from dpo_tui.datasets.matching import is_in_place, lines_among, lines_start
from dpo_tui.datasets.mending import at_end, mend, write_anew
from dpo_tui.datasets.walk import Walk, walk
from dpo_tui.domain.ledger import Ledger, Reconciliation, Region
from dpo_tui.domain.pairs import Example
from dpo_tui.errors import DatasetError
from dpo_tui.paths import resolved


class LiveDataset:
    """A JSONL file that several sessions and people may append to: `service.ports.Dataset`.

    `encode` gives the line, newline included, of what `plan` is given. A symlink is resolved once,
    here.
    """

    def __init__(self, path: Path, encode: Callable[[Any], bytes]) -> None:
        self._path = resolved(path)
        self._encode = encode
        self._left: Stamp | None = None  # the file as it was left, if its last line is whole

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._path

    def plan(self, examples: Sequence[Example]) -> Region:
        """Where and how these would be appended now; writes nothing and never fails."""
        lines = b"".join(map(self._encode, examples))
        if self._left and is_stamped(self._path, self._left):  # a person waits: it isn't opened
            return Region(self._left.size, lines)
        try:
            with reading(self._path) as file:
                return Region(0, lines) if file is None else at_end(file, lines)
        except DatasetError:
            # `reconcile` will tell it; it also finds the place.
            return Region(0, lines)

    def reconcile(self, ledger: Ledger, *, thorough: bool = False) -> Reconciliation:
        """Make the file agree with the session, however it came to differ, and note it there.

        If nothing is unsettled and the last settled entry is in its place, nothing else is read.
        Else what is behind the first unsettled one is looked at, and all of the file if something
        isn't in its place: others edited it, or it is another one. `thorough`, all of it is looked
        at in any case. Can be interrupted anywhere and done again.

        Raises:
            DatasetError: the file could not be read or changed; calling again later is safe.
        """
        before = ledger.unsettled()
        with writing(self._path, create=lambda: _has_lines(ledger)) as file:
            if file is None:  # nothing is there, and so nothing of what shouldn't be
                ledger.settle([replace(each, region=each.region.at(0)) for each in before])
                return Reconciliation(len(before))
            # Read, and noted in the end, under the lock: others of this session write there too.
            done = _agree(file, ledger, thorough=thorough)
            left = file.stamp
            self._left = left if file.begins_line(left.size) else None
            return done


def _has_lines(ledger: Ledger) -> bool:
    """Whether something should be in the file."""
    wanted = (each for each in chain(ledger.unsettled(), ledger.settled()) if each.wanted)
    return next(wanted, None) is not None


def _agree(file: DatasetFile, ledger: Ledger, *, thorough: bool) -> Reconciliation:
    unsettled = ledger.unsettled()
    last = next(ledger.settled(), None)
    expected = [each for each in unsettled if each.written and not each.wanted]
    expected += [last] if last else []
    is_quiet = not thorough and all(is_in_place(file, each) for each in expected)
    if is_quiet and not unsettled:
        return Reconciliation()
    doubtful = lines_among(unsettled)
    found = None
    if last and is_quiet:
        # What we write goes behind the last one, so nothing of ours is lost before these.
        floor = min(lines_start(last), *map(lines_start, unsettled))
        found = walk(file, ledger.in_order(floor), floor, doubtful, searches=False)
    if not found:
        found = walk(file, ledger.in_order(0), 0, doubtful, searches=True)
    if found:
        return mend(file, ledger, found, unsettled)
    if file.size == 0:
        return write_anew(file, ledger, unsettled)
    # Something of ours is gone or elsewhere: only here, all lines have to be in memory.
    nothing_known = Walk(gaps=[Span(0, file.size)])
    return mend(file, ledger, nothing_known, [*ledger.in_order(0), *unsettled])
