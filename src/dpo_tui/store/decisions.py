"""Decisions, and the journal that says which of them count.

Decisions and journal are only added to. The standing decisions of an annotator form a stack that
`annotators.newest` and `journal.below` link; undo takes the top one off by adding a row that says
so. These rows form a second stack, from `annotators.undone` on: redo takes its top one off and puts
the decision back on the first. A new decision makes the second stack empty.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

from dpo_tui.domain.model import Decision, Verdict
from dpo_tui.store.faults import making_sense
from dpo_tui.store.rows import DECISION_COLUMNS, decision_of, decision_values


def counting_decision(
    connection: sqlite3.Connection, group_id: int, annotator_id: int, annotator: str
) -> Decision | None:
    """The decision that counts for a group now."""
    row = connection.execute(
        "SELECT decision_id FROM verdicts WHERE annotator_id = ? AND group_id = ?",
        (annotator_id, group_id),
    ).fetchone()
    return None if row is None else load_decision(connection, row[0], annotator)


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
    counting = _Counting(decision_id, decision.verdict, decision.pair_count)
    place = _find_place(connection, decision.group_id, annotator_id)
    _push(connection, "decide", place, counting, now, undone=None)
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
    decision = load_decision(connection, decision_id, annotator)
    place = _find_place(connection, decision.group_id, annotator_id)
    counting = None if replaced is None else _load_counting(connection, replaced)
    _let_count(connection, place, counting, newest=below, undone=undone)
    if counting:
        _want_region(connection, counting.decision_id, wanted=place.kept)
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
    counting = _Counting(decision.id, decision.verdict, decision.pair_count)
    place = _find_place(connection, decision.group_id, annotator_id)
    _push(connection, "redo", place, counting, now, undone=row[1])
    _want_region(connection, decision.id, wanted=place.kept)
    return decision


class _Counting(NamedTuple):
    """A decision, as far as counters and queue follow from it when it counts."""

    decision_id: int
    verdict: str
    pairs: int


class _Place(NamedTuple):
    """A group, as one annotator finds it."""

    annotator_id: int
    group_id: int
    position: int | None
    kept: bool
    """Whether its pairs belong in the dataset."""
    counting: _Counting | None


def _load_counting(connection: sqlite3.Connection, decision_id: int) -> _Counting:
    row = connection.execute(
        "SELECT id, verdict, pair_count FROM decisions WHERE id = ?", (decision_id,)
    ).fetchone()
    return _Counting(*row)


def _find_place(connection: sqlite3.Connection, group_id: int, annotator_id: int) -> _Place:
    position, kept, *counting = connection.execute(
        "SELECT position, position IS NOT NULL OR NOT drops_removed, decision_id, verdict, "
        "pair_count FROM groups JOIN session "
        "LEFT JOIN verdicts ON verdicts.annotator_id = ? AND verdicts.group_id = groups.id "
        "LEFT JOIN decisions ON decisions.id = decision_id WHERE groups.id = ?",
        (annotator_id, group_id),
    ).fetchone()
    found = None if counting[0] is None else _Counting(*counting)
    return _Place(annotator_id, group_id, position, bool(kept), found)


def _push(
    connection: sqlite3.Connection,
    action: str,
    place: _Place,
    counting: _Counting,
    now: float,
    *,
    undone: int | None,
) -> None:
    """Put a decision on top of the annotator's stack, and let it count."""
    replaced = place.counting and place.counting.decision_id
    newest = connection.execute(
        "INSERT INTO journal (annotator_id, action, decision_id, replaced, below, done_at) "
        "SELECT id, ?, ?, ?, newest, ? FROM annotators WHERE id = ?",
        (action, counting.decision_id, replaced, now, place.annotator_id),
    ).lastrowid
    _let_count(connection, place, counting, newest=newest, undone=undone)


def _let_count(
    connection: sqlite3.Connection,
    place: _Place,
    counting: _Counting | None,
    *,
    newest: int | None,
    undone: int | None,
) -> None:
    """Make a decision, or none, the one that counts for a group, and derive what follows.

    `newest` and `undone` are the tops of the annotator's stacks from then on.
    """
    before = place.counting
    confirmed, skipped, pairs = (
        now - then
        for now, then in zip(_counters(place, counting), _counters(place, before), strict=True)
    )
    connection.execute(
        "UPDATE annotators SET newest = ?, undone = ?, confirmed = confirmed + ?, "
        "skipped = skipped + ?, pairs = pairs + ? WHERE id = ?",
        (newest, undone, confirmed, skipped, pairs, place.annotator_id),
    )
    if before:
        _want_region(connection, before.decision_id, wanted=False)
    if counting:
        connection.execute(
            "INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?)",
            (place.annotator_id, place.group_id, counting.decision_id),
        )
    else:
        connection.execute(
            "DELETE FROM verdicts WHERE annotator_id = ? AND group_id = ?",
            (place.annotator_id, place.group_id),
        )
    if place.position is not None:
        _requeue(connection, place, counting)


def _counters(place: _Place, counting: _Counting | None) -> tuple[int, int, int]:
    """What the group adds to the annotator's counters: confirmed, skipped, pairs."""
    if counting is None:
        return 0, 0, 0
    confirmed, skipped = (
        place.position is not None and counting.verdict == verdict
        for verdict in (Verdict.CONFIRMED, Verdict.SKIPPED)
    )
    return confirmed, skipped, counting.pairs if place.kept else 0


_LISTS: Mapping[str | None, str] = {None: "undecided", Verdict.SKIPPED: "skipped"}
"""Where a group of the queue is listed, by its verdict; with any other nowhere."""


def _requeue(connection: sqlite3.Connection, place: _Place, counting: _Counting | None) -> None:
    before, after = (_LISTS.get(each and each.verdict) for each in (place.counting, counting))
    if before == after:
        return
    if before:
        connection.execute(
            f"DELETE FROM {before} WHERE annotator_id = ? AND position = ?",  # noqa: S608 - constant
            (place.annotator_id, place.position),
        )
    if after:
        connection.execute(
            f"INSERT OR REPLACE INTO {after} VALUES (?, ?, ?)",  # noqa: S608 - constant
            (place.annotator_id, place.position, place.group_id),
        )


def _want_region(connection: sqlite3.Connection, decision_id: int, *, wanted: bool) -> None:
    connection.execute(
        "UPDATE regions SET wanted = ?, settled = 0 WHERE decision_id = ?", (wanted, decision_id)
    )
