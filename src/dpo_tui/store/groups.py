"""One group as the screen shows it, its responses and its drafts."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence

from dpo_tui.domain.labelling import draft_of
from dpo_tui.domain.model import Completion, Decision, Draft, Group, Ready, Response
from dpo_tui.errors import StoreError
from dpo_tui.store.decisions import counting_decision
from dpo_tui.store.rows import (
    RESPONSE_COLUMNS,
    Row,
    pack_marks,
    pack_shelved,
    prompt_of,
    response_of,
    response_values,
    unpack_marks,
    unpack_shelved,
)

OUT_OF_QUEUE = -1
"""The position of a group whose prompt is no longer in the prompts file."""


def load_group(
    connection: sqlite3.Connection, group_id: int, annotator_id: int, annotator: str
) -> Group:
    """A group with what this annotator made of it so far.

    Raises:
        StoreError: there is no such group.
    """
    row = connection.execute(
        "SELECT ifnull(position, ?), messages, settings, ready FROM groups WHERE id = ?",
        (OUT_OF_QUEUE, group_id),
    ).fetchone()
    if row is None:
        raise StoreError(f"There is no group {group_id} in the session.")
    position, messages, settings, ready = row
    attempts = [
        response_of(each)
        for each in connection.execute(
            f"SELECT {RESPONSE_COLUMNS} FROM responses WHERE group_id = ? "  # noqa: S608 - constant
            "ORDER BY set_no, slot, id",
            (group_id,),
        )
    ]
    newest = {(each.set_no, each.slot): each for each in attempts}
    decision = counting_decision(connection, group_id, annotator_id, annotator)
    return Group(
        id=group_id,
        position=position,
        prompt=prompt_of(messages, settings, _ready(ready, attempts)),
        responses=tuple(newest.values()),
        draft=_draft(connection, group_id, annotator_id, attempts, decision),
        decision=decision,
    )


def _ready(ids: str | None, attempts: Iterable[Response]) -> list[Ready]:
    """The ready-made responses with these ids, in their order."""
    if not ids:
        return []
    made = {each.id: each.completion for each in attempts}
    return [Ready(made[each].text, made[each].source.model) for each in json.loads(ids)]


def _draft(
    connection: sqlite3.Connection,
    group_id: int,
    annotator_id: int,
    attempts: Sequence[Response],
    decision: Decision | None,
) -> Draft:
    """What was marked last: since the decision, else by it."""
    row = connection.execute(
        "SELECT set_no, marks, shelved FROM drafts WHERE annotator_id = ? AND group_id = ?",
        (annotator_id, group_id),
    ).fetchone()
    if row is not None:
        return Draft(row[0], unpack_marks(row[1]), unpack_shelved(row[2]))
    if decision is not None:
        return draft_of(decision, {each.id: each.slot for each in attempts})
    return Draft(set_no=max((each.set_no for each in attempts), default=1))


def save_draft(
    connection: sqlite3.Connection, group_id: int, annotator_id: int, draft: Draft
) -> None:
    """Keep labelling in progress in place of what was kept before."""
    connection.execute(
        "INSERT OR REPLACE INTO drafts (annotator_id, group_id, set_no, marks, shelved) "
        "VALUES (?, ?, ?, ?, ?)",
        (
            annotator_id,
            group_id,
            draft.set_no,
            pack_marks(draft.marks),
            pack_shelved(draft.shelved),
        ),
    )


def draft_before(connection: sqlite3.Connection, decision: Decision) -> Draft:
    """Labelling as it stood before a decision."""
    slots = connection.execute(
        "SELECT id, slot FROM responses WHERE group_id = ?", (decision.group_id,)
    )
    return draft_of(decision, dict(slots.fetchall()))


def drop_draft(connection: sqlite3.Connection, group_id: int, annotator_id: int) -> None:
    """Forget labelling in progress."""
    connection.execute(
        "DELETE FROM drafts WHERE annotator_id = ? AND group_id = ?", (annotator_id, group_id)
    )


def insert_response(
    connection: sqlite3.Connection, group_id: int, set_no: int, slot: int, completion: Completion
) -> int:
    """Add one ended attempt and give its id."""
    values = response_values(None, group_id, set_no, slot, completion)
    return connection.execute(_INSERT_RESPONSE, values).lastrowid or 0


def insert_responses(connection: sqlite3.Connection, rows: Iterable[Row]) -> None:
    """Add many attempts at once, as `response_values` gives them."""
    connection.executemany(_INSERT_RESPONSE, rows)


_INSERT_RESPONSE = (
    f"INSERT INTO responses ({RESPONSE_COLUMNS}) "  # noqa: S608 - constant
    f"VALUES ({', '.join('?' * (RESPONSE_COLUMNS.count(',') + 1))})"
)
