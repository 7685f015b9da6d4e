"""The queue: what is left of it, and whatever else follows from it and from the decisions."""

from __future__ import annotations

import sqlite3

from dpo_tui.domain.model import Progress
from dpo_tui.store.rows import pack

IS_WANTED = """EXISTS (
    SELECT 1 FROM decisions
    JOIN verdicts ON verdicts.annotator_id = decisions.annotator_id
        AND verdicts.group_id = decisions.group_id AND decision_id = decisions.id
    JOIN groups ON groups.id = decisions.group_id
    JOIN session
    WHERE decisions.id = regions.decision_id
        AND (groups.position IS NOT NULL OR NOT drops_removed))"""
"""Whether the pairs of a row of `regions` belong in the dataset."""

COUNTERS = """
    SELECT count(CASE WHEN verdict = 'confirmed' THEN position END),
           count(CASE WHEN verdict = 'skipped' THEN position END),
           ifnull(sum(CASE WHEN position IS NOT NULL OR NOT drops_removed THEN pair_count END), 0)
    FROM verdicts
    JOIN decisions ON decisions.id = verdicts.decision_id
    JOIN groups ON groups.id = verdicts.group_id
    JOIN session
    WHERE verdicts.annotator_id = annotators.id"""
"""What the counters of a row of `annotators` have to be."""


def is_imported(connection: sqlite3.Connection, fingerprint: bytes) -> bool:
    """Whether the queue is what files of this fingerprint say."""
    (known,) = connection.execute("SELECT fingerprint FROM session").fetchone()
    return bool(known == fingerprint)


def keep_removed(connection: sqlite3.Connection, *, drops: bool) -> None:
    """Say whether the pairs of prompts that left the queue leave the dataset too."""
    changed = connection.execute(
        "UPDATE session SET drops_removed = ?1 WHERE drops_removed != ?1", (drops,)
    ).rowcount
    if changed:
        derive_all(connection)


def derive_all(connection: sqlite3.Connection) -> None:
    """Work out anew whatever follows from the queue and from which decisions count."""
    connection.execute(
        f"UPDATE regions SET wanted = NOT wanted, settled = 0 WHERE wanted != {IS_WANTED}"  # noqa: S608 - constant
    )
    for (annotator_id,) in connection.execute("SELECT id FROM annotators").fetchall():
        _derive(connection, annotator_id)


def _derive(connection: sqlite3.Connection, annotator_id: int) -> None:
    """Work out anew what is left of the queue for an annotator, and the counters."""
    connection.execute("DELETE FROM undecided WHERE annotator_id = ?", (annotator_id,))
    connection.execute(
        """
        INSERT INTO undecided SELECT ?1, position, id FROM groups
        WHERE position IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM verdicts WHERE annotator_id = ?1 AND group_id = groups.id)
        ORDER BY position
        """,
        (annotator_id,),
    )
    connection.execute("DELETE FROM skipped WHERE annotator_id = ?", (annotator_id,))
    connection.execute(
        """
        INSERT INTO skipped SELECT ?1, position, groups.id FROM verdicts
        JOIN decisions ON decisions.id = decision_id JOIN groups ON groups.id = verdicts.group_id
        WHERE verdicts.annotator_id = ?1 AND verdict = 'skipped' AND position IS NOT NULL
        ORDER BY position
        """,
        (annotator_id,),
    )
    connection.execute(
        f"UPDATE annotators SET (confirmed, skipped, pairs) = ({COUNTERS}) WHERE id = ?",  # noqa: S608 - constant
        (annotator_id,),
    )


def register_annotator(connection: sqlite3.Connection, annotator: str) -> int:
    """The id of an annotator, who gets the whole queue when new."""
    annotator_id, is_new = add_annotator(connection, annotator)
    if is_new:
        _derive(connection, annotator_id)
    return annotator_id


def add_annotator(connection: sqlite3.Connection, annotator: str) -> tuple[int, bool]:
    """The id of an annotator, and whether it is a new one, whose queue is still to be derived."""
    name = (pack(annotator),)
    row = connection.execute("SELECT id FROM annotators WHERE name = ?", name).fetchone()
    if row is not None:
        return int(row[0]), False
    cursor = connection.execute("INSERT INTO annotators (name) VALUES (?)", name)
    return cursor.lastrowid or 0, True


def progress(connection: sqlite3.Connection, annotator_id: int) -> Progress:
    """Where an annotator stands."""
    row = connection.execute(
        "SELECT queued, confirmed, annotators.skipped, pairs FROM session, annotators "
        "WHERE annotators.id = ?",
        (annotator_id,),
    ).fetchone()
    return Progress(*row)


def next_undecided(connection: sqlite3.Connection, annotator_id: int, after: int) -> int | None:
    """The first undecided group behind position `after`, else the first of all."""
    row = connection.execute(
        "SELECT group_id FROM undecided WHERE annotator_id = ? AND position > ? "
        "ORDER BY position LIMIT 1",
        (annotator_id, after),
    ).fetchone()
    if row is None and after >= 0:
        return next_undecided(connection, annotator_id, -1)
    return None if row is None else row[0]


def next_skipped(connection: sqlite3.Connection, annotator_id: int, after: int) -> int | None:
    """The first skipped group behind position `after`."""
    row = connection.execute(
        "SELECT group_id FROM skipped WHERE annotator_id = ? AND position > ? "
        "ORDER BY position LIMIT 1",
        (annotator_id, after),
    ).fetchone()
    return None if row is None else row[0]


def group_at(connection: sqlite3.Connection, position: int) -> int | None:
    """The group at a position of the queue."""
    row = connection.execute("SELECT id FROM groups WHERE position = ?", (position,)).fetchone()
    return None if row is None else row[0]


def upcoming(
    connection: sqlite3.Connection, annotator_id: int, start: int, limit: int
) -> list[int]:
    """The ids of at most `limit` undecided groups from position `start` on."""
    rows = connection.execute(
        "SELECT group_id FROM undecided WHERE annotator_id = ? AND position >= ? "
        "ORDER BY position LIMIT ?",
        (annotator_id, start, limit),
    )
    return [group_id for (group_id,) in rows]
