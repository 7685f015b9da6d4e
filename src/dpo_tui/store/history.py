"""What was decided, newest first: read without disturbing whoever works on the session."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from dpo_tui.domain.model import Decision
from dpo_tui.store.database import read_only
from dpo_tui.store.decisions import load_decision
from dpo_tui.store.faults import making_sense
from dpo_tui.store.info import require_annotator
from dpo_tui.store.rows import decision_columns, prompt_of, unpack
from dpo_tui.store.schema import kept_condition, version_of


class Fate(StrEnum):
    """What has become of a decision."""

    COUNTS = "counts"
    LEFT_OUT = "left out"
    """Its prompt is no longer in the prompts file, and the pairs of such prompts are dropped."""
    REPLACED = "replaced"
    """The group was decided anew."""
    TAKEN_BACK = "taken back"


class PastDecision(Struct, frozen=True):
    """One decision, and what it was about."""

    decision: Decision
    fate: Fate
    position: int | None
    """0-based place of the group in the queue; None if it has left it."""
    name: str | None
    """The `id` that the prompts file gives the prompt."""
    text: str
    """What the user says last in the prompt."""
    flagged: bool = False
    """Whether the annotator wants to come back to the group."""


def read_history(path: Path, annotator: str | None = None) -> Iterator[PastDecision]:
    """The decisions of an annotator, or of all, newest first; read only as far as it is iterated.

    Raises:
        InputError: nobody of that name has worked on the session.
        StoreError: the session can't be read.
    """
    with read_only(path) as connection:
        connection.execute("BEGIN")
        names = {
            annotator_id: unpack(name)
            for annotator_id, name in connection.execute("SELECT id, name FROM annotators")
        }
        require_annotator(annotator, names.values(), path)
        version = version_of(connection)
        columns = decision_columns(version)
        flags = _flags(connection) if version >= 3 else frozenset()
        undone: set[int] = set()
        told: set[int] = set()
        # Going back, what comes first of a decision is what happened to it last.
        for annotator_id, action, decision_id in connection.execute(
            "SELECT annotator_id, action, decision_id FROM journal ORDER BY id DESC"
        ):
            if decision_id not in told:
                told.add(decision_id)
                if action == "undo":
                    undone.add(decision_id)
            if action == "decide":
                told.discard(decision_id)
                if annotator in {None, names[annotator_id]}:
                    decision = load_decision(connection, decision_id, names[annotator_id], columns)
                    past = _past(
                        connection, decision, annotator_id, is_undone=decision_id in undone
                    )
                    yield replace(past, flagged=(annotator_id, decision.group_id) in flags)
                undone.discard(decision_id)


def _flags(connection: sqlite3.Connection) -> frozenset[tuple[int, int]]:
    """Who wants to come back to which group."""
    return frozenset(connection.execute("SELECT annotator_id, group_id FROM flags"))


def _past(
    connection: sqlite3.Connection, decision: Decision, annotator_id: int, *, is_undone: bool
) -> PastDecision:
    kept = kept_condition(version_of(connection))
    position, messages, settings, is_kept, counting = connection.execute(
        f"SELECT position, messages, settings, {kept}, (SELECT decision_id FROM verdicts "  # noqa: S608 - constant
        "WHERE annotator_id = ? AND group_id = groups.id) FROM groups, session WHERE groups.id = ?",
        (annotator_id, decision.group_id),
    ).fetchone()
    if counting == decision.id:
        fate = Fate.COUNTS if is_kept else Fate.LEFT_OUT
    else:
        fate = Fate.TAKEN_BACK if is_undone else Fate.REPLACED
    with making_sense(f"group {decision.group_id}"):
        prompt = prompt_of(messages, settings, ())
    return PastDecision(decision, fate, position, prompt.name, prompt.messages[-1].content)
