"""Where each decision's pairs stand in the dataset file, as far as the session knows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from heapq import merge

from dpo_tui.domain.ledger import Entry, Region
from dpo_tui.domain.model import Decision
from dpo_tui.store.database import Database
from dpo_tui.store.faults import making_sense, told

_LARGEST_PAGE = 1024
_SELECT = (
    "SELECT decision_id, regions.position, leads, wanted, lines FROM regions "
    "JOIN decisions ON decisions.id = decision_id "
)
_SHARING = (
    "SELECT id FROM annotators "
    "WHERE dataset_path IS (SELECT dataset_path FROM annotators WHERE id = ?)"
)
"""Whose pairs go into the same file."""


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
        "INSERT INTO regions SELECT ?, ?, ?, ?, position IS NOT NULL OR NOT drops_removed, 0 "
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


def all_entries(connection: sqlite3.Connection, annotator_id: int) -> list[Entry]:
    """Every entry whose lines are wanted or not known to be gone, of the same ones."""
    rows = connection.execute(
        f"{_SELECT} WHERE (wanted OR NOT settled) AND regions.annotator_id IN ({_SHARING}) "
        "ORDER BY decision_id",
        (annotator_id,),
    )
    return [_entry(row) for row in rows]


def settled_entries(database: Database, annotator_id: int) -> Iterator[Entry]:
    """All others of the same ones that have bytes in the file, the last one first."""
    with told(database.path):
        sharing = database.connection.execute(_SHARING, (annotator_id,)).fetchall()
    return merge(
        *(_settled_of(database, each) for (each,) in sharing),
        key=lambda each: (each.region.offset, each.decision_id),
        reverse=True,
    )


def _settled_of(database: Database, annotator_id: int) -> Iterator[Entry]:
    """Those of one annotator.

    Read page by page, so that no read transaction stays open while the dataset file is at work.
    """
    position, decision_id = 1 << 62, 0
    page = 2  # mostly, the last one is all that is asked for
    while True:
        with told(database.path):
            rows = database.connection.execute(
                f"{_SELECT} WHERE regions.annotator_id = ? AND wanted AND settled "
                "AND (regions.position, decision_id) < (?, ?) "
                "ORDER BY regions.position DESC, decision_id DESC LIMIT ?",
                (annotator_id, position, decision_id, page),
            ).fetchall()
        yield from map(_entry, rows)
        if len(rows) < page:
            return
        decision_id, position = rows[-1][:2]
        page = min(page * 4, _LARGEST_PAGE)


def forget_places(connection: sqlite3.Connection) -> None:
    """Take nothing for known of the dataset files."""
    connection.execute("UPDATE regions SET settled = 0 WHERE wanted")


def settle(connection: sqlite3.Connection, entries: Iterable[Entry]) -> None:
    """Note that the dataset file agrees with these entries.

    An entry that has been decided otherwise in the meantime stays unsettled.
    """
    connection.executemany(
        "UPDATE regions SET position = ?, leads = ?, settled = 1 "
        "WHERE decision_id = ? AND wanted = ?",
        (
            (each.region.offset, _leads(each.region), each.decision_id, each.wanted)
            for each in entries
        ),
    )


def _entry(row: tuple[int, int, int, int, bytes]) -> Entry:
    decision_id, offset, leads, wanted, lines = row
    with making_sense(f"decision {decision_id}"):
        check_lines(lines)
        return Entry(decision_id, Region(offset, b"\n" * leads + lines), wanted=bool(wanted))


def check_lines(lines: bytes) -> None:
    """Refuse what can't be the lines of a decision's pairs.

    Raises:
        ValueError: it isn't whole lines.
    """
    if not lines.endswith(b"\n"):
        raise ValueError("its pairs are cut off")
