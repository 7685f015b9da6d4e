"""Decisions, and the journal that says which of them count.

Decisions and journal are only added to. The standing decisions of an annotator form a stack that
`annotators.newest` and `journal.below` link; undo takes the top one off by adding a row that says
so. These rows form a second stack, from `annotators.undone` on: redo takes its top one off and puts
the decision back on the first. A new decision makes the second stack empty.
"""

from __future__ import annotations

import sqlite3

from dpo_tui.domain.model import Decision, Verdict
from dpo_tui.store.faults import making_sense
from dpo_tui.store.rows import DECISION_COLUMNS, decision_of, decision_values


def counting_decision(
    connection: sqlite3.Connection, group_id: int, annotator_id: int, annotator: str
) -> Decision | None:
    """The decision that counts for a group now."""
    decision_id = _counting_id(connection, group_id, annotator_id)
    return None if decision_id is None else load_decision(connection, decision_id, annotator)


def load_decision(
    connection: sqlite3.Connection,
    decision_id: int,
    annotator: str,
    columns: str = DECISION_COLUMNS,
) -> Decision:
    """A decision by its id; `columns` are what stands for DECISION_COLUMNS in an older file."""
    row = connection.execute(
        f"SELECT {columns} FROM decisions WHERE id = ?",  # noqa: S608 - constants
        (decision_id,),
    ).fetchone()
    with making_sense(f"decision {decision_id}"):
        return decision_of(row, annotator)


def add_decision(
    connection: sqlite3.Connection,
    decision: Decision,
    annotator_id: int,
    lines: bytes | None,
    now: float,
) -> int:
    """Put a decision on top of the annotator's stack, let it count, and give its id."""
    cursor = connection.execute(
        "INSERT INTO decisions (group_id, annotator_id, verdict, set_no, marks, card_order, "
        "pair_count, decided_at, seconds, remarks, lines) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*decision_values(decision, annotator_id), lines),
    )
    decision_id = cursor.lastrowid or 0
    _push(connection, "decide", decision_id, decision.group_id, annotator_id, now)
    connection.execute("UPDATE annotators SET undone = NULL WHERE id = ?", (annotator_id,))
    return decision_id


def undo_newest(
    connection: sqlite3.Connection, annotator_id: int, annotator: str, now: float
) -> tuple[Decision, int | None] | None:
    """Take the top decision off the annotator's stack; what it had replaced counts again.

    Returns the decision that was taken back, and the id of the one that counts for its group now.
    """
    row = connection.execute(
        "SELECT decision_id, replaced, below FROM annotators "
        "JOIN journal ON journal.id = annotators.newest WHERE annotators.id = ?",
        (annotator_id,),
    ).fetchone()
    if row is None:
        return None
    decision_id, replaced, below = row
    undone = connection.execute(
        "INSERT INTO journal (annotator_id, action, decision_id, below, done_at) "
        "SELECT id, 'undo', ?, undone, ? FROM annotators WHERE id = ?",
        (decision_id, now, annotator_id),
    ).lastrowid
    connection.execute(
        "UPDATE annotators SET newest = ?, undone = ? WHERE id = ?", (below, undone, annotator_id)
    )
    decision = load_decision(connection, decision_id, annotator)
    _let_count(connection, decision.group_id, annotator_id, replaced)
    return decision, replaced


def redo_newest(
    connection: sqlite3.Connection, annotator_id: int, annotator: str, now: float
) -> Decision | None:
    """Let the decision that was taken back last count again."""
    row = connection.execute(
        "SELECT decision_id, below FROM annotators "
        "JOIN journal ON journal.id = annotators.undone WHERE annotators.id = ?",
        (annotator_id,),
    ).fetchone()
    if row is None:
        return None
    decision = load_decision(connection, row[0], annotator)
    _push(connection, "redo", decision.id, decision.group_id, annotator_id, now)
    connection.execute("UPDATE annotators SET undone = ? WHERE id = ?", (row[1], annotator_id))
    return decision


def _push(
    connection: sqlite3.Connection,
    action: str,
    decision_id: int,
    group_id: int,
    annotator_id: int,
    now: float,
) -> None:
    """Put a decision on top of the annotator's stack, and let it count."""
    newest = connection.execute(
        "INSERT INTO journal (annotator_id, action, decision_id, replaced, below, done_at) "
        "SELECT id, ?, ?, ?, newest, ? FROM annotators WHERE id = ?",
        (action, decision_id, _counting_id(connection, group_id, annotator_id), now, annotator_id),
    ).lastrowid
    connection.execute("UPDATE annotators SET newest = ? WHERE id = ?", (newest, annotator_id))
    _let_count(connection, group_id, annotator_id, decision_id)


def _counting_id(connection: sqlite3.Connection, group_id: int, annotator_id: int) -> int | None:
    row = connection.execute(
        "SELECT decision_id FROM verdicts WHERE annotator_id = ? AND group_id = ?",
        (annotator_id, group_id),
    ).fetchone()
    return None if row is None else row[0]


def _let_count(
    connection: sqlite3.Connection, group_id: int, annotator_id: int, decision_id: int | None
) -> None:
    """Make a decision, or none, the one that counts for a group, and derive what follows."""
    position, kept = connection.execute(
        "SELECT position, position IS NOT NULL OR NOT drops_removed FROM groups, session "
        "WHERE groups.id = ?",
        (group_id,),
    ).fetchone()
    before = _counting_id(connection, group_id, annotator_id)
    place = (annotator_id, group_id)
    queued = position is not None
    if queued:
        connection.execute(
            "DELETE FROM skipped WHERE annotator_id = ? AND position = ?", (annotator_id, position)
        )
    if before is not None:
        _count(connection, annotator_id, before, -1, queued=queued, kept=kept)
        connection.execute("DELETE FROM verdicts WHERE annotator_id = ? AND group_id = ?", place)
        _want_region(connection, before, wanted=False)
    if decision_id is not None:
        _count(connection, annotator_id, decision_id, 1, queued=queued, kept=kept)
        connection.execute("INSERT INTO verdicts VALUES (?, ?, ?)", (*place, decision_id))
        _want_region(connection, decision_id, wanted=kept)
        if queued:
            connection.execute(
                "INSERT INTO skipped SELECT ?, ?, group_id FROM decisions "
                "WHERE id = ? AND verdict = 'skipped'",
                (annotator_id, position, decision_id),
            )
    if position is None or (before is None) == (decision_id is None):
        return
    if decision_id is None:
        connection.execute(
            "INSERT INTO undecided VALUES (?, ?, ?)", (annotator_id, position, group_id)
        )
    else:
        connection.execute(
            "DELETE FROM undecided WHERE annotator_id = ? AND position = ?",
            (annotator_id, position),
        )


def _count(
    connection: sqlite3.Connection,
    annotator_id: int,
    decision_id: int,
    by: int,
    *,
    queued: bool,
    kept: bool,
) -> None:
    verdict, pairs = connection.execute(
        "SELECT verdict, pair_count FROM decisions WHERE id = ?", (decision_id,)
    ).fetchone()
    confirmed = by if queued and verdict == Verdict.CONFIRMED else 0
    skipped = by if queued and verdict == Verdict.SKIPPED else 0
    connection.execute(
        "UPDATE annotators SET confirmed = confirmed + ?, skipped = skipped + ?, pairs = pairs + ? "
        "WHERE id = ?",
        (confirmed, skipped, by * pairs if kept else 0, annotator_id),
    )


def _want_region(connection: sqlite3.Connection, decision_id: int, *, wanted: bool) -> None:
    connection.execute(
        "UPDATE regions SET wanted = ?, settled = 0 WHERE decision_id = ?", (wanted, decision_id)
    )
