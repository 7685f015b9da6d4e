"""Whether a session file is whole, and what was derived in it agrees with the truth."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from msgspec import Struct, field

from dpo_tui.errors import StoreError
from dpo_tui.store.database import Database, Journal, read_only
from dpo_tui.store.faults import making_sense, told
from dpo_tui.store.info import load_info
from dpo_tui.store.queue import COUNTERS, IS_WANTED, derive_all
from dpo_tui.store.regions import SavedLedger
from dpo_tui.store.rows import unpack
from dpo_tui.store.schema import VERSION, version_of
from dpo_tui.store.sense import senseless_rows

_MOST = 100
"""Damaged rows that are told, as many as SQLite tells of its own."""


class SessionCheck(Struct):
    """What was found in a session file."""

    damage: list[str] = field(default_factory=list)
    """What no repair can mend."""
    deviations: list[str] = field(default_factory=list)
    """What was derived wrongly, and can be derived anew."""
    annotators: list[str] = field(default_factory=list)
    """Everybody who has worked on it."""


class _Stacks(Struct):
    """What the journal leads to, for one annotator."""

    standing: list[tuple[int, int, int | None]] = field(default_factory=list)
    """Journal id, group and what counted before, the oldest first."""
    undone: list[int] = field(default_factory=list)
    """Journal ids of what redo can bring back, the oldest first."""
    counting: dict[int, int] = field(default_factory=dict)
    """The decision that counts, by group."""


def check_session(path: Path) -> SessionCheck:
    """Look at everything; changes nothing.

    Raises:
        StoreError: it can't be read, is not a session, or of an older version.
    """
    with read_only(path) as connection:
        found = SessionCheck()
        with told(path):
            connection.execute("BEGIN")
        try:
            found.damage += _damage(connection)
            if not found.damage:
                _require_current(connection, path)
                info = load_info(connection, path)
                found.annotators = list(info.progress)
                found.damage += islice(senseless_rows(connection), _MOST)
            if not found.damage:
                found.deviations += _deviations(connection)
        except sqlite3.DatabaseError as error:
            found.damage.append(str(error))
        return found


def rebuild(connection: sqlite3.Connection) -> None:
    """Derive anew what is derived; nobody may be deciding meanwhile."""
    connection.execute("DELETE FROM verdicts")
    for annotator_id, stacks in _replay(connection).items():
        connection.executemany(
            "INSERT INTO verdicts VALUES (?, ?, ?)",
            ((annotator_id, *each) for each in sorted(stacks.counting.items())),
        )
        connection.execute(
            "UPDATE annotators SET newest = ?, undone = ? WHERE id = ?",
            (*_tops(stacks), annotator_id),
        )
    connection.execute(
        "UPDATE session SET queued = (SELECT count(*) FROM groups WHERE position IS NOT NULL)"
    )
    connection.execute(
        "INSERT INTO regions SELECT id, annotator_id, 0, 0, 0, 0, 1 FROM decisions "
        "WHERE lines IS NOT NULL AND id NOT IN (SELECT decision_id FROM regions)"
    )
    derive_all(connection)


@contextmanager
def reading_ledgers(path: Path) -> Iterator[dict[Path, SavedLedger]]:
    """What a session in order knows of each dataset file, until the block ends.

    Raises:
        StoreError: the session can't be read.
    """
    with read_only(path) as connection:
        connection.execute("BEGIN")
        rows = connection.execute(
            "SELECT dataset_path, min(id) FROM annotators WHERE dataset_path IS NOT NULL "
            "GROUP BY dataset_path ORDER BY 2"
        ).fetchall()
        database = Database(path, connection, Journal.WAL)
        yield {Path(os.fsdecode(each)): SavedLedger(database, number) for each, number in rows}


def _require_current(connection: sqlite3.Connection, path: Path) -> None:
    version = version_of(connection)
    if version < VERSION:
        raise StoreError(
            f"Session {path}: it was written by an older dpo-tui (schema {version}, this one uses "
            f"{VERSION}).",
            remedy="Open it once with `dpo-tui annotate`, which brings it up to date.",
        )


def _damage(connection: sqlite3.Connection) -> Iterator[str]:
    for (problem,) in connection.execute("PRAGMA integrity_check"):
        if problem != "ok":
            yield f"SQLite: {problem}"
    for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check"):
        yield f"{table}, row {row}: what it belongs to in {parent} is missing"


def _deviations(connection: sqlite3.Connection) -> Iterator[str]:
    for annotator_id, stacks in _replay(connection).items():
        yield from _annotator_deviations(connection, annotator_id, stacks)
    yield from _counted(connection, _QUEUE_CHECKS)


def _annotator_deviations(
    connection: sqlite3.Connection, annotator_id: int, stacks: _Stacks
) -> Iterator[str]:
    name, *tops = connection.execute(
        "SELECT name, newest, undone FROM annotators WHERE id = ?", (annotator_id,)
    ).fetchone()
    rows = connection.execute(
        "SELECT group_id, decision_id FROM verdicts WHERE annotator_id = ?", (annotator_id,)
    )
    differing = len(dict(rows.fetchall()).items() ^ stacks.counting.items())
    if differing:
        yield f"{unpack(name)}: {differing} groups have another verdict than was decided"
    if tuple(tops) != _tops(stacks):
        yield f"{unpack(name)}: undo or redo would go on at the wrong place"


def _tops(stacks: _Stacks) -> tuple[int | None, int | None]:
    newest = stacks.standing[-1][0] if stacks.standing else None
    return newest, stacks.undone[-1] if stacks.undone else None


def _replay(connection: sqlite3.Connection) -> dict[int, _Stacks]:
    """What the journal says, from its beginning."""
    with making_sense("the journal"):
        return _replayed(connection)


def _replayed(connection: sqlite3.Connection) -> dict[int, _Stacks]:
    found = {row[0]: _Stacks() for row in connection.execute("SELECT id FROM annotators")}
    rows = connection.execute(
        "SELECT journal.id, journal.annotator_id, action, decision_id, group_id FROM journal "
        "JOIN decisions ON decisions.id = decision_id ORDER BY journal.id"
    )
    for row_id, annotator_id, action, decision_id, group_id in rows:
        stacks = found[annotator_id]
        if action == "undo":
            stacks.undone.append(row_id)
            _, _, before = stacks.standing.pop()
            if before is None:
                del stacks.counting[group_id]
            else:
                stacks.counting[group_id] = before
            continue
        stacks.standing.append((row_id, group_id, stacks.counting.get(group_id)))
        stacks.counting[group_id] = decision_id
        if action == "redo":
            stacks.undone.pop()
        else:
            stacks.undone.clear()
    return found


_QUEUE_CHECKS = (
    (
        "groups more or less are in the queue than it says",
        """
        SELECT abs(queued - (SELECT count(*) FROM groups WHERE position IS NOT NULL)) FROM session
        """,
    ),
    (
        "groups are taken for undecided that are not, or not taken for it",
        """
        SELECT count(*) FROM annotators, groups WHERE position IS NOT NULL AND
            EXISTS (SELECT 1 FROM undecided WHERE undecided.annotator_id = annotators.id
                AND undecided.position = groups.position AND undecided.group_id = groups.id) =
            EXISTS (SELECT 1 FROM verdicts WHERE verdicts.annotator_id = annotators.id
                AND verdicts.group_id = groups.id)
        """,
    ),
    (
        "groups are waited for at places of the queue where they are not",
        """
        SELECT count(*) FROM undecided LEFT JOIN groups ON groups.id = group_id
        WHERE groups.position IS NOT undecided.position
        """,
    ),
    (
        "groups are taken for skipped that are not, or not taken for it",
        """
        SELECT count(*) FROM annotators, groups WHERE position IS NOT NULL AND
            EXISTS (SELECT 1 FROM skipped WHERE skipped.annotator_id = annotators.id
                AND skipped.position = groups.position AND skipped.group_id = groups.id) !=
            EXISTS (SELECT 1 FROM verdicts JOIN decisions ON decisions.id = decision_id
                WHERE verdicts.annotator_id = annotators.id AND verdicts.group_id = groups.id
                AND verdict = 'skipped')
        """,
    ),
    (
        "skipped groups are looked for at places of the queue where they are not",
        """
        SELECT count(*) FROM skipped LEFT JOIN groups ON groups.id = group_id
        WHERE groups.position IS NOT skipped.position
        """,
    ),
    (
        "annotators have wrong counters",
        f"SELECT count(*) FROM annotators WHERE (confirmed, skipped, pairs) != ({COUNTERS})",  # noqa: S608 - constant
    ),
    (
        "decisions have pairs that are wanted and should not be, or the other way round",
        f"SELECT count(*) FROM regions WHERE wanted != {IS_WANTED}",  # noqa: S608 - constant
    ),
    (
        "decisions have pairs without a place in the dataset",
        """
        SELECT count(*) FROM decisions WHERE lines IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM regions WHERE decision_id = decisions.id)
        """,
    ),
)


def _counted(connection: sqlite3.Connection, checks: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for what, query in checks:
        (count,) = connection.execute(query).fetchone()
        if count:
            yield f"{count} {what}"
