"""Making the queue what the prompts file says."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from itertools import islice

from dpo_tui.domain.model import Completion, ImportSummary, Origin, Prompt, Ready, Source, State
from dpo_tui.store.groups import insert_response, insert_responses
from dpo_tui.store.queue import derive_all
from dpo_tui.store.rows import (
    Row,
    pack,
    pack_json,
    pack_messages,
    pack_summary,
    response_values,
    settings_fields,
    unpack_json,
)

_KnownRow = tuple[int, int | None, bytes, str | None]  # id, position, settings, ready
_NewRow = tuple[int, bytes, int, bytes, bytes]  # id, key, position, messages, settings

_BATCH = 500
"""Prompts that are looked up and added at once; SQLite before 3.32 allows 999 parameters."""


def import_prompts(
    connection: sqlite3.Connection, prompts: Iterable[Prompt], fingerprint: bytes | None
) -> ImportSummary:
    """Make the queue equal to `prompts`; memory grows by one byte for every group there was."""
    work = _Import(connection)
    source = iter(prompts)
    while batch := list(islice(source, _BATCH)):
        work.take(batch)
    return work.finish(fingerprint)


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
        self._still_queued = self._moved = self._returned = 0
        self._before: dict[int, tuple[bytes, str | None]] = {}
        """What was known of groups whose prompt says otherwise now, by id."""
        self._needs_server = False

    def take(self, batch: Sequence[Prompt]) -> None:
        """Put the next prompts of the file into the queue."""
        keys = [bytes.fromhex(prompt.key) for prompt in batch]
        self._needs_server = self._needs_server or not all(each.responses for each in batch)
        known = self._known_rows(keys)
        fresh: dict[bytes, int] = {}
        values: list[_NewRow] = []
        ready: list[tuple[int, Prompt]] = []
        later: list[tuple[int, Prompt]] = []
        for key, prompt in zip(keys, batch, strict=True):
            row = known.get(key)
            group_id = fresh.get(key) if row is None else row[0]
            if group_id is None:
                group_id = fresh[key] = self._next_id
                values.append(self._new_row(key, prompt))
                if prompt.responses:
                    ready.append((group_id, prompt))
            elif row is None or group_id >= len(self._seen) or self._seen[group_id]:
                later.append((group_id, prompt))
                self._duplicates += 1
            else:
                self._update(row, prompt)
        self._insert(values, ready)
        for group_id, prompt in later:
            self._merge(group_id, prompt)

    def _insert(self, values: Sequence[_NewRow], ready: Sequence[tuple[int, Prompt]]) -> None:
        """Add groups, and the ready-made responses of those that have some."""
        ids: dict[int, str] = {}
        responses: list[Row] = []
        (newest,) = self._db.execute("SELECT ifnull(max(id), 0) FROM responses").fetchone()
        for group_id, prompt in ready:
            distinct = _distinct(prompt.responses)
            begin = newest + len(responses) + 1
            ids[group_id] = json.dumps([*range(begin, begin + len(distinct))])
            responses += (
                response_values(begin + slot, group_id, 1, slot, _completion(each))
                for slot, each in enumerate(distinct)
            )
        self._db.executemany(
            "INSERT INTO groups (id, key, position, messages, settings, ready) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            ((*row, ids.get(row[0])) for row in values),
        )
        insert_responses(self._db, responses)

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
        if position is None:
            self._returned += 1
        else:
            self._still_queued += 1
            self._moved += position != self._position
        if position != self._position:
            self._db.execute(
                "UPDATE groups SET position = ? WHERE id = ?", (self._position, group_id)
            )
        new_settings = pack_json(settings_fields(prompt))
        ids = self._ready_ids(group_id, prompt.responses) if prompt.responses or ready else []
        if new_settings != settings or ids != _ids(ready):
            self._before[group_id] = settings, ready
        self._change_settings(group_id, settings, new_settings)
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

    def _ready_ids(self, group_id: int, responses: Iterable[Ready]) -> list[int]:
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
        for each in responses:
            packed = pack(each.text)
            if packed not in known:
                known[packed] = insert_response(self._db, group_id, 1, slot, _completion(each))
                slot += 1
            ids[known[packed]] = None
        return list(ids)

    def finish(self, fingerprint: bytes | None) -> ImportSummary:
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
        self._db.execute(
            "UPDATE session SET queued = ?, fingerprint = ?, needs_server = ?",
            (self._position, fingerprint, self._needs_server),
        )
        if removed or self._added or self._moved or self._returned:
            derive_all(self._db)
        changed = sum(map(self._is_changed, self._before.items()))
        summary = ImportSummary(
            self._added,
            self._known,
            removed,
            self._duplicates,
            changed,
            self._moved,
            self._returned,
        )
        if queued and (removed or self._added or changed or self._returned):
            self._db.execute("UPDATE session SET last_change = ?", (pack_summary(summary),))
        return summary

    def _is_changed(self, group: tuple[int, tuple[bytes, str | None]]) -> bool:
        """Whether a group still differs: its duplicates may have said what was known."""
        group_id, (settings, ready) = group
        row = self._db.execute(
            "SELECT settings, ready FROM groups WHERE id = ?", (group_id,)
        ).fetchone()
        return bool(row[0] != settings or _ids(row[1]) != _ids(ready))


def _distinct(responses: Iterable[Ready]) -> list[Ready]:
    """Without those whose text is there already."""
    by_text: dict[str, Ready] = {}
    for each in responses:
        by_text.setdefault(each.text, each)
    return [*by_text.values()]


def _completion(ready: Ready) -> Completion:
    state = State.COMPLETE if ready.text.strip() else State.EMPTY
    return Completion(ready.text, state, Source(Origin.READY, model=ready.model))


def _ids(ready: str | None) -> list[int]:
    return json.loads(ready) if ready else []
