"""Making the queue what the prompts file says."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from itertools import islice

from dpo_tui.domain.model import Completion, ImportSummary, Origin, Prompt, Ready, Source, State
from dpo_tui.store.faults import making_sense
from dpo_tui.store.groups import insert_response, insert_responses
from dpo_tui.store.preferences import PreferenceTaker
from dpo_tui.store.queue import derive_all
from dpo_tui.store.rows import (
    Row,
    pack,
    pack_json,
    pack_messages,
    pack_summary,
    ready_values,
    settings_fields,
    unpack_json,
)

_KnownRow = tuple[int, int | None, bytes, str | None]  # id, position, settings, ready
_NewGroup = tuple[int, bytes, int, Prompt]  # id, key, position, prompt

_BATCH = 500
"""Prompts that are looked up and added at once; SQLite before 3.32 allows 999 parameters."""


def import_prompts(
    connection: sqlite3.Connection,
    prompts: Iterable[Prompt],
    fingerprint: bytes | None,
    taker: PreferenceTaker | None = None,
) -> ImportSummary:
    """Make the queue equal to `prompts`; memory grows by one byte for every group there was.

    `taker` takes in the preferences that they have.
    """
    work = _Import(connection, taker)
    source = iter(prompts)
    while batch := list(islice(source, _BATCH)):
        work.take(batch)
    return work.finish(fingerprint)


class _Import:
    """One pass over the prompts file."""

    def __init__(self, connection: sqlite3.Connection, taker: PreferenceTaker | None) -> None:
        self._db = connection
        self._taker = taker
        self._judged = self._ties = 0
        highest: int = connection.execute("SELECT ifnull(max(id), 0) FROM groups").fetchone()[0]
        self._seen = bytearray(highest + 1)
        """By id of the groups that were there before; a higher id is added by this import."""
        self._next_id = highest + 1
        self._position = 0
        self._added = self._known = self._duplicates = 0
        self._still_queued = self._moved = self._returned = 0
        self._needs_server = False
        self._expects_new = True
        """Whether the prompts before were all new, so that the next ones likely are as well."""
        # What was known of groups whose prompt says otherwise now; can be all of them.
        connection.execute(
            "CREATE TEMP TABLE before (id INTEGER PRIMARY KEY, settings BLOB, ready TEXT)"
        )

    def take(self, batch: Sequence[Prompt]) -> None:
        """Put the next prompts of the file into the queue."""
        keys = [bytes.fromhex(prompt.key) for prompt in batch]
        self._needs_server = self._needs_server or not all(each.responses for each in batch)
        if not (self._expects_new and self._are_added(keys, batch)):
            known = self._known_rows(keys)
            self._expects_new = not known
            self._compare(keys, batch, known)
        self._take_preferences(keys, batch)

    def _take_preferences(self, keys: Sequence[bytes], batch: Sequence[Prompt]) -> None:
        judged = [each for each in zip(keys, batch, strict=True) if each[1].preferences]
        if not judged:
            return
        self._judged += len(judged)
        self._ties += sum(
            not any(each.marks for each in prompt.preferences) for _, prompt in judged
        )
        if self._taker:
            rows = self._known_rows([key for key, _ in judged])
            for key, prompt in judged:
                self._taker.take(rows[key][0], prompt)

    def _are_added(self, keys: Sequence[bytes], batch: Sequence[Prompt]) -> bool:
        """Add all of these prompts if all are new: quicker than looking them up before."""
        ids = range(self._next_id, self._next_id + len(batch))
        positions = range(self._position, self._position + len(batch))
        try:
            self._insert([*zip(ids, keys, positions, batch, strict=True)])
        except sqlite3.IntegrityError:
            self._db.execute("DELETE FROM groups WHERE id >= ?", (self._next_id,))
            return False
        self._next_id += len(batch)
        self._position += len(batch)
        self._added += len(batch)
        return True

    def _known_rows(self, keys: Sequence[bytes]) -> dict[bytes, _KnownRow]:
        places = ",".join("?" * len(keys))
        rows = self._db.execute(
            f"SELECT key, id, position, settings, ready FROM groups WHERE key IN ({places})",  # noqa: S608 - question marks
            keys,
        )
        return {key: (*row,) for key, *row in rows}

    def _compare(
        self, keys: Sequence[bytes], batch: Sequence[Prompt], known: dict[bytes, _KnownRow]
    ) -> None:
        """Add of these prompts what is new, and change what is known."""
        fresh: dict[bytes, _NewGroup] = {}
        later: list[tuple[int, Prompt]] = []
        for key, prompt in zip(keys, batch, strict=True):
            if (row := known.get(key)) is not None:
                if row[0] < len(self._seen) and not self._seen[row[0]]:
                    self._update(row, prompt)
                else:
                    later.append((row[0], prompt))
            elif key in fresh:
                later.append((fresh[key][0], prompt))
            else:
                fresh[key] = self._next_id, key, self._position, prompt
                self._next_id += 1
                self._position += 1
        self._insert([*fresh.values()])
        self._added += len(fresh)
        for group_id, prompt in later:
            self._merge(group_id, prompt)
        self._duplicates += len(later)

    def _insert(self, groups: Sequence[_NewGroup]) -> None:
        """Add groups, and the ready-made responses of those that have some.

        Raises:
            sqlite3.IntegrityError: one is there already; those before it were added, and no
                response.
        """
        ids: dict[int, str] = {}
        responses: list[Row] = []
        (newest,) = self._db.execute("SELECT ifnull(max(id), 0) FROM responses").fetchone()
        for group_id, _, _, prompt in groups:
            if prompt.responses:
                distinct = _distinct(prompt.responses)
                begin = newest + len(responses) + 1
                ids[group_id] = json.dumps([*range(begin, begin + len(distinct))])
                responses += (
                    ready_values(begin + slot, group_id, slot, each)
                    for slot, each in enumerate(distinct)
                )
        self._db.executemany(
            "INSERT INTO groups (id, key, position, messages, settings, ready) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    group_id,
                    key,
                    position,
                    pack_messages(prompt.messages),
                    pack_json(settings_fields(prompt)),
                    ids.get(group_id),
                )
                for group_id, key, position, prompt in groups
            ],
        )
        insert_responses(self._db, responses)

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
        known_ids = _ids(group_id, ready)
        if new_settings != settings or ids != known_ids:
            self._db.execute(
                "INSERT INTO temp.before VALUES (?, ?, ?)", (group_id, settings, ready)
            )
        self._change_settings(group_id, settings, new_settings)
        if ids != known_ids:
            self._set_ready(group_id, ids)
        self._position += 1

    def _merge(self, group_id: int, prompt: Prompt) -> None:
        """Unite a prompt's tags and ready-made responses with those that its group has."""
        settings, ready = self._db.execute(
            "SELECT settings, ready FROM groups WHERE id = ?", (group_id,)
        ).fetchone()
        with making_sense(f"group {group_id}"):
            fields = unpack_json(settings)
            tags = [*dict.fromkeys((*fields.get("tags", ()), *prompt.tags))]
        if tags:
            self._change_settings(group_id, settings, pack_json({**fields, "tags": tags}))
        if prompt.responses:
            more = self._ready_ids(group_id, prompt.responses)
            self._set_ready(group_id, [*dict.fromkeys((*_ids(group_id, ready), *more))])

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
        has_moved = self._taker is not None and self._taker.has_moved
        if removed or self._added or self._moved or self._returned or has_moved:
            derive_all(self._db)
        changed = self._count_changed()
        summary = ImportSummary(
            self._added,
            self._known,
            removed,
            self._duplicates,
            changed,
            self._moved,
            self._returned,
            self._judged,
            self._ties,
            *(self._taker.counts if self._taker else ()),
        )
        if queued and (removed or self._added or changed or self._returned):
            self._db.execute("UPDATE session SET last_change = ?", (pack_summary(summary),))
        return summary

    def _count_changed(self) -> int:
        """How many groups still differ: their duplicates may have said what was known."""
        (count,) = self._db.execute(
            "SELECT count(*) FROM temp.before JOIN groups USING (id) "
            "WHERE groups.settings != before.settings "
            "OR ifnull(groups.ready, '[]') != ifnull(before.ready, '[]')"
        ).fetchone()
        self._db.execute("DROP TABLE temp.before")
        return int(count)


def _distinct(responses: Iterable[Ready]) -> list[Ready]:
    """Without those whose text is there already."""
    by_text: dict[str, Ready] = {}
    for each in responses:
        by_text.setdefault(each.text, each)
    return [*by_text.values()]


def _completion(ready: Ready) -> Completion:
    state = State.COMPLETE if ready.text.strip() else State.EMPTY
    return Completion(ready.text, state, Source(Origin.READY, model=ready.model))


def _ids(group_id: int, ready: str | None) -> list[int]:
    with making_sense(f"group {group_id}"):
        return json.loads(ready) if ready else []
