"""One group as the screen shows it, its responses and its drafts."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable

from dpo_tui.domain.labelling import clear_in, draft_of
from dpo_tui.domain.model import Completion, Decision, Draft, Group, Ready, Response
from dpo_tui.errors import StoreError
from dpo_tui.store.decisions import counting_decision
from dpo_tui.store.faults import making_sense
from dpo_tui.store.rows import (
    DRAFT_COLUMNS,
    RESPONSE_COLUMNS,
    Row,
    draft_of_row,
    draft_values,
    pack,
    prompt_of,
    response_of,
    response_values,
    unpack,
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
    with making_sense(f"group {group_id}"):
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
            draft=_draft(connection, group_id, annotator_id, newest.values(), decision),
            decision=decision,
            flagged=_is_flagged(connection, group_id, annotator_id),
        )


def _ready(ids: str | None, attempts: Iterable[Response]) -> list[Ready]:
    """The ready-made responses with these ids, in their order."""
    if not ids:
        return []
    made = {each.id: each.completion for each in attempts}
    return [Ready(made[each].text, made[each].source.model) for each in json.loads(ids)]


def _is_flagged(connection: sqlite3.Connection, group_id: int, annotator_id: int) -> bool:
    row = connection.execute(
        "SELECT 1 FROM flags WHERE annotator_id = ? AND group_id = ?", (annotator_id, group_id)
    ).fetchone()
    return row is not None


def slot_for_attempt(connection: sqlite3.Connection, group_id: int, set_no: int, slot: int) -> int:
    """Where an attempt at a slot goes: what somebody has typed is never replaced by one."""
    (typed,) = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM responses WHERE group_id = ? AND set_no = ? AND slot = ? "
        "AND origin IN ('edited', 'written'))",
        (group_id, set_no, slot),
    ).fetchone()
    return _free_slot(connection, group_id, set_no) if typed else slot


def _free_slot(connection: sqlite3.Connection, group_id: int, set_no: int) -> int:
    (slot,) = connection.execute(
        "SELECT ifnull(max(slot) + 1, 0) FROM responses WHERE group_id = ? AND set_no = ?",
        (group_id, set_no),
    ).fetchone()
    return int(slot)


def add_own(
    connection: sqlite3.Connection,
    group_id: int,
    annotator_id: int,
    set_no: int,
    slot: int,
    completion: Completion,
    draft_with: Callable[[int], Draft],
) -> Response:
    """Add a response that was typed, at this slot or a higher one that is free, and the draft."""
    # Another annotator may have been quicker.
    slot = max(slot, _free_slot(connection, group_id, set_no))
    found = insert_response(connection, group_id, set_no, slot, completion)
    save_draft(connection, group_id, annotator_id, draft_with(slot))
    return Response(found, group_id, set_no, slot, completion)


def set_flag(
    connection: sqlite3.Connection, group_id: int, annotator_id: int, *, flagged: bool
) -> None:
    """Say whether the annotator wants to come back to a group."""
    connection.execute(
        "INSERT OR IGNORE INTO flags (annotator_id, group_id) VALUES (?, ?)"
        if flagged
        else "DELETE FROM flags WHERE annotator_id = ? AND group_id = ?",
        (annotator_id, group_id),
    )


def keep_text(
    connection: sqlite3.Connection, group_id: int, annotator_id: int, about: int, text: str
) -> None:
    """Keep text that is being typed in place of what was kept before; empty text is forgotten."""
    place = (annotator_id, group_id, about)
    if text:
        connection.execute("INSERT OR REPLACE INTO typed VALUES (?, ?, ?, ?)", (*place, pack(text)))
    else:
        connection.execute(
            "DELETE FROM typed WHERE annotator_id = ? AND group_id = ? AND response_id = ?", place
        )


def kept_text(
    connection: sqlite3.Connection, group_id: int, annotator_id: int, about: int
) -> str | None:
    """The text that was being typed, if some was kept."""
    row = connection.execute(
        "SELECT text FROM typed WHERE annotator_id = ? AND group_id = ? AND response_id = ?",
        (annotator_id, group_id, about),
    ).fetchone()
    with making_sense(f"text that is being typed in group {group_id}"):
        return None if row is None else unpack(row[0])


def _draft(
    connection: sqlite3.Connection,
    group_id: int,
    annotator_id: int,
    responses: Collection[Response],
    decision: Decision | None,
) -> Draft:
    """What was marked last: since the decision, else by it."""
    row = connection.execute(
        f"SELECT {DRAFT_COLUMNS} FROM drafts WHERE annotator_id = ? AND group_id = ?",  # noqa: S608 - constant
        (annotator_id, group_id),
    ).fetchone()
    if row is not None:
        return draft_of_row(row)
    if decision is not None:
        return draft_of(decision, {each.id: each.slot for each in responses})
    return Draft(set_no=max((each.set_no for each in responses), default=1))


def save_draft(
    connection: sqlite3.Connection, group_id: int, annotator_id: int, draft: Draft
) -> None:
    """Keep labelling in progress in place of what was kept before."""
    connection.execute(_SAVE_DRAFT, (annotator_id, group_id, *draft_values(draft)))


def forget_marks(
    connection: sqlite3.Connection, group_id: int, set_no: int, slot: int, annotator_id: int
) -> None:
    """A slot gets a response: what others have marked in its place was said of another text."""
    marked = connection.execute(
        f"SELECT annotator_id, {DRAFT_COLUMNS} FROM annotators JOIN drafts "  # noqa: S608 - constant
        "ON annotator_id = annotators.id AND group_id = ? WHERE annotator_id <> ? AND EXISTS "
        "(SELECT 1 FROM responses WHERE group_id = ? AND set_no = ? AND slot = ?)",
        (group_id, annotator_id, group_id, set_no, slot),
    ).fetchall()
    for other, *row in marked:
        save_draft(connection, group_id, other, clear_in(draft_of_row(tuple(row)), set_no, slot))


def draft_before(connection: sqlite3.Connection, decision: Decision) -> Draft:
    """Labelling as it stood before a decision, as far as its responses are still shown."""
    slots = connection.execute(
        "SELECT max(id), slot FROM responses WHERE group_id = ? GROUP BY set_no, slot",
        (decision.group_id,),
    )
    return draft_of(decision, dict(slots.fetchall()))


def has_draft(connection: sqlite3.Connection, group_id: int, annotator_id: int) -> bool:
    """Whether labelling is in progress."""
    row = connection.execute(
        "SELECT 1 FROM drafts WHERE annotator_id = ? AND group_id = ?", (annotator_id, group_id)
    ).fetchone()
    return row is not None


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


_SAVE_DRAFT = (
    f"INSERT OR REPLACE INTO drafts (annotator_id, group_id, {DRAFT_COLUMNS}) "  # noqa: S608 - constant
    "VALUES (?, ?, ?, ?, ?, ?)"
)
_INSERT_RESPONSE = (
    f"INSERT INTO responses ({RESPONSE_COLUMNS}) "  # noqa: S608 - constant
    f"VALUES ({', '.join('?' * (RESPONSE_COLUMNS.count(',') + 1))})"
)
