"""Where each decision's pairs stand in the dataset file, as far as the session knows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

from dpo_tui.domain.ledger import Entry, Region
from dpo_tui.domain.model import Decision
from dpo_tui.store.database import Database
from dpo_tui.store.faults import told

_LARGEST_PAGE = 1024
_SELECT = (
    "SELECT decision_id, regions.position, leads, wanted, lines FROM regions "
    "JOIN decisions ON decisions.id = decision_id "
)


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
    """Entries whose writing or removal is not known to have happened, oldest first."""
    rows = connection.execute(
        f"{_SELECT} WHERE regions.annotator_id = ? AND NOT settled ORDER BY decision_id",
        (annotator_id,),
    )
    return [_entry(row) for row in rows]


def all_entries(connection: sqlite3.Connection) -> list[Entry]:
    """Every entry whose lines are wanted or not known to be gone, of all annotators."""
    rows = connection.execute(f"{_SELECT} WHERE wanted OR NOT settled ORDER BY decision_id")
    return [_entry(row) for row in rows]


def rivals(connection: sqlite3.Connection, entry: Entry, annotator_id: int) -> list[Entry]:
    """Entries of other annotators on the group of an entry that may have lines in the file."""
    # CROSS JOIN keeps SQLite from reading every verdict (https://sqlite.org/optoverview.html).
    rows = connection.execute(
        "WITH own AS (SELECT group_id FROM decisions WHERE id = ?), theirs AS ("  # noqa: S608 - constant
        "SELECT decision_id FROM own CROSS JOIN annotators CROSS JOIN verdicts "
        "ON annotator_id = annotators.id AND verdicts.group_id = own.group_id "
        "UNION SELECT decision_id FROM regions WHERE NOT settled) "
        f"{_SELECT} WHERE decision_id IN theirs AND group_id = (SELECT group_id FROM own) "
        "AND regions.annotator_id != ? AND (wanted OR NOT settled)",
        (entry.decision_id, annotator_id),
    )
    return [_entry(row) for row in rows]


def settled_entries(database: Database, annotator_id: int) -> Iterator[Entry]:
    """All others that have bytes in the file, the last one first.

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
    return Entry(decision_id, Region(offset, b"\n" * leads + lines), wanted=bool(wanted))
