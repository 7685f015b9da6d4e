"""The queue: making it what the prompts file says, and finding what is left of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from itertools import islice

from dpo_tui.domain.model import (
    Completion,
    ImportSummary,
    Origin,
    Progress,
    Prompt,
    Source,
    State,
)
from dpo_tui.store.groups import insert_response
from dpo_tui.store.rows import pack, pack_json, pack_messages, settings_fields, unpack_json

_KnownRow = tuple[int, int | None, bytes, str | None]  # id, position, settings, ready
_NewRow = tuple[int, bytes, int, bytes, bytes]  # id, key, position, messages, settings

_BATCH = 500
"""Prompts that are looked up and added at once; SQLite before 3.32 allows 999 parameters."""


def import_prompts(connection: sqlite3.Connection, prompts: Iterable[Prompt]) -> ImportSummary:
    """Make the queue equal to `prompts`; memory grows by one byte for every group there was."""
    work = _Import(connection)
    source = iter(prompts)
    while batch := list(islice(source, _BATCH)):
        work.take(batch)
    return work.finish()


class _Import:
    """One pass over the prompts file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        highest: int = connection.execute("SELECT ifnull(max(id), 0) FROM groups").fetchone()[0]
        self._seen = bytearray(highest + 1)
        """By id of the groups that were there before; a higher id is added by this import."""
        self._next_id = highest + 1
        self._position = 0
        self._added = self._known = self._duplicates = 0
        self._still_queued = self._moved = 0

    def take(self, batch: Sequence[Prompt]) -> None:
        """Put the next prompts of the file into the queue."""
        keys = [bytes.fromhex(prompt.key) for prompt in batch]
        known = self._known_rows(keys)
        fresh: dict[bytes, int] = {}
        values: list[_NewRow] = []
        later: list[tuple[int, Prompt]] = []
        for key, prompt in zip(keys, batch, strict=True):
            row = known.get(key)
            group_id = fresh.get(key) if row is None else row[0]
            if group_id is None:
                group_id = fresh[key] = self._next_id
                values.append(self._new_row(key, prompt))
                if prompt.responses:
                    later.append((group_id, prompt))
            elif row is None or group_id >= len(self._seen) or self._seen[group_id]:
                later.append((group_id, prompt))
                self._duplicates += 1
            else:
                self._update(row, prompt)
        self._db.executemany(
            "INSERT INTO groups (id, key, position, messages, settings) VALUES (?, ?, ?, ?, ?)",
            values,
        )
        for group_id, prompt in later:
            self._merge(group_id, prompt)

    def _known_rows(self, keys: Sequence[bytes]) -> dict[bytes, _KnownRow]:
        places = ",".join("?" * len(keys))
        rows = self._db.execute(
            f"SELECT key, id, position, settings, ready FROM groups WHERE key IN ({places})",  # noqa: S608 - question marks
            keys,
        )
        return {key: (*row,) for key, *row in rows}

    def _new_row(self, key: bytes, prompt: Prompt) -> _NewRow:
        row = (
            self._next_id,
            key,
            self._position,
            pack_messages(prompt.messages),
            pack_json(settings_fields(prompt)),
        )
        self._next_id += 1
        self._position += 1
        self._added += 1
        return row

    def _update(self, row: _KnownRow, prompt: Prompt) -> None:
        group_id, position, settings, ready = row
        self._seen[group_id] = 1
        self._known += 1
        self._still_queued += position is not None
        if position != self._position:
            self._db.execute(
                "UPDATE groups SET position = ? WHERE id = ?", (self._position, group_id)
            )
            self._moved += 1
        self._change_settings(group_id, settings, pack_json(settings_fields(prompt)))
        if prompt.responses or ready:
            ids = self._ready_ids(group_id, prompt.responses)
            if ids != _ids(ready):
                self._set_ready(group_id, ids)
        self._position += 1

    def _merge(self, group_id: int, prompt: Prompt) -> None:
        """Unite a prompt's tags and ready-made responses with those that its group has."""
        settings, ready = self._db.execute(
            "SELECT settings, ready FROM groups WHERE id = ?", (group_id,)
        ).fetchone()
        fields = unpack_json(settings)
        if tags := [*dict.fromkeys((*fields.get("tags", ()), *prompt.tags))]:
            self._change_settings(group_id, settings, pack_json({**fields, "tags": tags}))
        if prompt.responses:
            more = self._ready_ids(group_id, prompt.responses)
            self._set_ready(group_id, [*dict.fromkeys((*_ids(ready), *more))])

    def _change_settings(self, group_id: int, old: bytes, new: bytes) -> None:
        if new != old:
            self._db.execute("UPDATE groups SET settings = ? WHERE id = ?", (new, group_id))

    def _set_ready(self, group_id: int, ids: Sequence[int]) -> None:
        self._db.execute("UPDATE groups SET ready = ? WHERE id = ?", (json.dumps(ids), group_id))

    def _ready_ids(self, group_id: int, texts: Iterable[str]) -> list[int]:
        """The ids of these ready-made responses of a group; what isn't there yet is added."""
        rows = self._db.execute(
            "SELECT text, id FROM responses WHERE group_id = ? AND set_no = 1 AND origin = ?",
            (group_id, Origin.READY.value),
        )
        known: dict[bytes, int] = dict(rows.fetchall())
        (slot,) = self._db.execute(
            "SELECT ifnull(max(slot) + 1, 0) FROM responses WHERE group_id = ? AND set_no = 1",
            (group_id,),
        ).fetchone()
        ids: dict[int, None] = {}
        for text in texts:
            packed = pack(text)
            if packed not in known:
                state = State.COMPLETE if text.strip() else State.EMPTY
                completion = Completion(text, state, Source(Origin.READY))
                known[packed] = insert_response(self._db, group_id, 1, slot, completion)
                slot += 1
            ids[known[packed]] = None
        return list(ids)

    def finish(self) -> ImportSummary:
        """Take out of the queue what the file doesn't have any more, and count anew."""
        (queued,) = self._db.execute("SELECT queued FROM session").fetchone()
        removed = queued - self._still_queued
        if removed:
            rows = self._db.execute("SELECT id FROM groups WHERE position IS NOT NULL")
            gone = [
                (group_id,)
                for (group_id,) in rows
                if group_id < len(self._seen) and not self._seen[group_id]
            ]
            self._db.executemany("UPDATE groups SET position = NULL WHERE id = ?", gone)
        if removed or self._added or self._moved:
            self._db.execute("UPDATE session SET queued = ?", (self._position,))
            for (annotator_id,) in self._db.execute("SELECT id FROM annotators").fetchall():
                _derive(self._db, annotator_id)
        return ImportSummary(self._added, self._known, removed, self._duplicates)


def _ids(ready: str | None) -> list[int]:
    return json.loads(ready) if ready else []


def _derive(connection: sqlite3.Connection, annotator_id: int) -> None:
    """Work out anew what is left of the queue for an annotator, and the counters of it."""
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
    connection.execute(
        """
        UPDATE annotators SET (confirmed, skipped) = (
            SELECT count(CASE verdict WHEN 'confirmed' THEN 1 END),
                   count(CASE verdict WHEN 'skipped' THEN 1 END)
            FROM verdicts
            JOIN decisions ON decisions.id = verdicts.decision_id
            JOIN groups ON groups.id = verdicts.group_id
            WHERE verdicts.annotator_id = ?1 AND position IS NOT NULL)
        WHERE id = ?1
        """,
        (annotator_id,),
    )


def register_annotator(connection: sqlite3.Connection, annotator: str) -> int:
    """The id of an annotator, who gets the whole queue when new."""
    name = (pack(annotator),)
    row = connection.execute("SELECT id FROM annotators WHERE name = ?", name).fetchone()
    if row is not None:
        return int(row[0])
    annotator_id = (
        connection.execute("INSERT INTO annotators (name) VALUES (?)", name).lastrowid or 0
    )
    _derive(connection, annotator_id)
    return annotator_id


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
