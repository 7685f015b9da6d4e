"""Where each decision's pairs stand in the dataset file, as far as the session knows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge

from dpo_tui.domain.ledger import Entry, Region
from dpo_tui.domain.model import Decision
from dpo_tui.store.database import Database
from dpo_tui.store.faults import SenselessError, told

_LARGEST_PAGE = 1024
_SELECT = (
    "SELECT decision_id, regions.position, leads, wanted, written, lines FROM regions "
    "JOIN decisions ON decisions.id = decision_id "
)
_SHARING = (
    "SELECT id FROM annotators "
    "WHERE dataset_path IS (SELECT dataset_path FROM annotators WHERE id = ?)"
)
"""Whose pairs go into the same file."""


class SavedLedger:
    """What a session file says of a dataset file: `domain.ledger.Knowledge`."""

    def __init__(self, database: Database, annotator_id: int) -> None:
        self._database = database
        self._annotator_id = annotator_id

    def unsettled(self) -> Sequence[Entry]:
        """Entries whose writing or removal is not known to have happened, oldest first."""
        with told(self._database.path):
            return unsettled_entries(self._database.connection, self._annotator_id)

    def settled(self) -> Iterator[Entry]:
        """All others that have bytes in the file, the last one first."""
        return settled_entries(self._database, self._annotator_id)

    def in_order(self, start: int) -> Iterator[Entry]:
        """The same, the first one first, from the last one that begins at or before `start` on."""
        return entries_in_order(self._database, self._annotator_id, start)


def lines_of(region: Region) -> bytes:
    """The region's own lines, without the newline that ends a foreign one before it."""
    return region.data[_leads(region) :]


def _leads(region: Region) -> bool:
    return region.data.startswith(b"\n")


def plan_region(
    connection: sqlite3.Connection, decision: Decision, annotator_id: int, region: Region
) -> None:
    """Note where a decision's pairs are about to be written, if they belong in the dataset."""
    connection.execute(
        "INSERT INTO regions SELECT ?, ?, ?, ?, position IS NOT NULL OR NOT drops_removed, 0, 0 "
        "FROM groups, session WHERE groups.id = ?",
        (decision.id, annotator_id, region.offset, _leads(region), decision.group_id),
    )


def entry_of(connection: sqlite3.Connection, decision_id: int) -> Entry | None:
    """What is known of one decision's region; None if it has no pairs."""
    row = connection.execute(f"{_SELECT} WHERE decision_id = ?", (decision_id,)).fetchone()
    return None if row is None else _entry(row)


def unsettled_entries(connection: sqlite3.Connection, annotator_id: int) -> list[Entry]:
    """Entries whose writing or removal is not known to have happened, oldest first.

    Those of everybody whose pairs go where the annotator's go.
    """
    rows = connection.execute(
        f"{_SELECT} WHERE NOT settled AND regions.annotator_id IN ({_SHARING}) "
        "ORDER BY decision_id",
        (annotator_id,),
    )
    return [_entry(row) for row in rows]


def settled_entries(database: Database, annotator_id: int) -> Iterator[Entry]:
    """All others of the same ones that have bytes in the file, the last one first."""
    return merge(
        *(_pages(database, each, _BACKWARD, 1 << 62) for each in _sharing(database, annotator_id)),
        key=_place,
        reverse=True,
    )


def entries_in_order(database: Database, annotator_id: int, start: int) -> Iterator[Entry]:
    """The same, the first one first, from the last one of each that begins before or at `start`."""
    streams = []
    for each in _sharing(database, annotator_id):
        with told(database.path):
            (before,) = database.connection.execute(
                "SELECT ifnull(max(position), 0) FROM regions "
                "WHERE annotator_id = ? AND wanted AND settled AND position <= ?",
                (each, start),
            ).fetchone()
        streams.append(_pages(database, each, _FORWARD, before - 1))
    return merge(*streams, key=_place)


def _place(entry: Entry) -> tuple[int, int]:
    return entry.region.offset, entry.decision_id


def _sharing(database: Database, annotator_id: int) -> list[int]:
    with told(database.path):
        return [each for (each,) in database.connection.execute(_SHARING, (annotator_id,))]


def _pages(database: Database, annotator_id: int, page: str, position: int) -> Iterator[Entry]:
    """The entries of one annotator behind a position.

    Read page by page, so that no read transaction stays open while the dataset file is at work.
    """
    decision_id = 0
    size = 2  # mostly, the last one is all that is asked for
    while True:
        with told(database.path):
            rows = database.connection.execute(
                page, (annotator_id, position, decision_id, size)
            ).fetchall()
            entries = [_entry(row) for row in rows]
        yield from entries
        if len(rows) < size:
            return
        decision_id, position = rows[-1][:2]
        size = min(size * 4, _LARGEST_PAGE)


_BACKWARD, _FORWARD = (
    f"{_SELECT} WHERE regions.annotator_id = ? AND wanted AND settled "
    f"AND (regions.position, decision_id) {than} (?, ?) "
    f"ORDER BY regions.position {order}, decision_id {order} LIMIT ?"
    for than, order in (("<", "DESC"), (">", "ASC"))
)


def settle(connection: sqlite3.Connection, entries: Iterable[Entry]) -> None:
    """Note that the dataset file agrees with these entries.

    An entry that has been decided otherwise in the meantime stays unsettled.
    """
    connection.executemany(
        "UPDATE regions SET position = ?, leads = ?, written = wanted, settled = 1 "
        "WHERE decision_id = ? AND wanted = ?",
        (
            (each.region.offset, _leads(each.region), each.decision_id, each.wanted)
            for each in entries
        ),
    )


def plan_anew(connection: sqlite3.Connection, entries: Iterable[Entry]) -> None:
    """Note where these, which are not in the dataset file, would begin now."""
    connection.executemany(
        "UPDATE regions SET position = ?, leads = ? WHERE decision_id = ? AND NOT written",
        ((each.region.offset, _leads(each.region), each.decision_id) for each in entries),
    )


def _entry(row: tuple[int, int, int, int, int, bytes]) -> Entry:
    decision_id, offset, leads, wanted, written, lines = row
    # Not `making_sense`: there can be a million of them.
    if type(lines) is not bytes or not lines.endswith(b"\n"):
        raise SenselessError(f"decision {decision_id} is damaged (its pairs are cut off)")
    region = Region(offset, b"\n" * leads + lines)
    return Entry(decision_id, region, wanted=bool(wanted), written=bool(written))
