"""Lists of groups, and searching them, in bites that are short however many groups there are.

A bite begins behind a position of the queue, and says behind which one the next begins.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from dpo_tui.domain.listing import Bite, Filter, Found, GroupRow
from dpo_tui.domain.model import Verdict
from dpo_tui.domain.searching import Query
from dpo_tui.store.faults import making_sense
from dpo_tui.store.rows import Row, pack_json, prompt_of, unpack, unpack_json

_LISTED = 2000
"""Groups that one bite of a list looks at."""
_NAMED = 5000
"""Groups that one bite looks at for a name or for tags."""
_SEARCHED = 32
"""Groups that one bite of a search reads at most."""
_SEARCHED_BYTES = 250_000
"""Bytes of text from which on a bite of a search reads no further group."""
_TEXT_SHOWN = 200

_IS_EDITED = """EXISTS (
    SELECT 1 FROM responses WHERE group_id = groups.id AND origin IN ('edited', 'written'))"""
_IS_FAILED = """EXISTS (
    SELECT 1 FROM responses AS broken
    WHERE broken.group_id = groups.id AND broken.state IN ('empty', 'failed', 'aborted')
        AND broken.set_no = (SELECT max(set_no) FROM responses WHERE group_id = groups.id)
        AND NOT EXISTS (
            SELECT 1 FROM responses AS newer
            WHERE newer.group_id = broken.group_id AND newer.set_no = broken.set_no
                AND newer.slot = broken.slot AND newer.id > broken.id))"""
_QUEUE = "SELECT id, position FROM groups WHERE true"
_CANDIDATES = {
    Filter.ALL: _QUEUE,
    Filter.FAILED: _QUEUE,
    Filter.UNDECIDED: "SELECT group_id, position FROM undecided WHERE annotator_id = :annotator",
    Filter.SKIPPED: "SELECT group_id, position FROM skipped WHERE annotator_id = :annotator",
    # People do these by hand: there are never so many that sorting them would take long.
    Filter.FLAGGED: "SELECT group_id, position FROM flags JOIN groups ON groups.id = group_id "
    "WHERE annotator_id = :annotator",
    Filter.EDITED: "SELECT DISTINCT groups.id, position FROM responses INDEXED BY responses_own "
    "CROSS JOIN groups ON groups.id = group_id "
    "WHERE origin IN ('edited', 'written')",
}
"""Where the groups come from that a filter may let through, by position."""
_ONWARDS = "AND position > :place ORDER BY position LIMIT :bite"
_BACKWARDS = "AND position < :place ORDER BY position DESC LIMIT :bite"


def list_groups(
    connection: sqlite3.Connection,
    annotator_id: int,
    filter_: Filter,
    tag: str | None,
    place: int,
    limit: int,
    *,
    backwards: bool,
) -> Bite[GroupRow]:
    """At most `limit` groups behind a position that a filter lets through.

    Backwards, they are those before it, the nearest first.
    """
    conditions = []
    if filter_ is Filter.FAILED:
        conditions.append(_IS_FAILED)
    if tag is not None:
        conditions.append("instr(settings, :tag)")
    bite = _LISTED if conditions else limit
    candidates = connection.execute(
        f"{_CANDIDATES[filter_]} {_BACKWARDS if backwards else _ONWARDS}",
        {"annotator": annotator_id, "place": place, "bite": bite},
    ).fetchall()
    end = candidates[-1][1] if len(candidates) == bite else None
    if conditions and candidates:
        first, last = sorted((candidates[0][1], candidates[-1][1]))
        passing = connection.execute(
            "SELECT id FROM groups WHERE position BETWEEN :first AND :last "  # noqa: S608 - constants
            f"AND {' AND '.join(conditions)}",
            {"first": first, "last": last, "tag": pack_json(tag)},
        )
        kept = {group_id for (group_id,) in passing}
        candidates = [each for each in candidates if each[0] in kept]
    rows: list[GroupRow] = []
    for group_id, _ in candidates:
        row = _row(connection, group_id, annotator_id)
        if tag is not None and tag not in row.tags:
            continue
        if len(rows) == limit:
            return Bite(rows, rows[-1].position)
        rows.append(row)
    return Bite(rows, end)


def _row(connection: sqlite3.Connection, group_id: int, annotator_id: int) -> GroupRow:
    position, messages, settings, verdict, flagged, edited, failed = connection.execute(
        f"""
        SELECT position, messages, settings,
            (SELECT verdict FROM verdicts JOIN decisions ON decisions.id = decision_id
                WHERE verdicts.annotator_id = :annotator AND verdicts.group_id = groups.id),
            EXISTS (SELECT 1 FROM flags
                WHERE annotator_id = :annotator AND group_id = groups.id),
            {_IS_EDITED}, {_IS_FAILED}
        FROM groups WHERE id = :group
        """,  # noqa: S608 - constants
        {"annotator": annotator_id, "group": group_id},
    ).fetchone()
    with making_sense(f"group {group_id}"):
        prompt = prompt_of(messages, settings, ())
        return GroupRow(
            id=group_id,
            position=position,
            name=prompt.name,
            text=prompt.messages[-1].content[:_TEXT_SHOWN],
            verdict=None if verdict is None else Verdict(verdict),
            flagged=bool(flagged),
            edited=bool(edited),
            failed=bool(failed),
            tags=prompt.tags,
        )


def find_name(connection: sqlite3.Connection, name: str, after: int) -> Bite[int]:
    """The group behind position `after` whose prompt has this `id` in the prompts file."""
    rows = connection.execute(
        "SELECT id, messages, settings FROM groups WHERE position > ? AND position <= ? "
        "AND instr(settings, ?) ORDER BY position",
        (after, after + _NAMED, b'"name":' + pack_json(name)),
    )
    for group_id, messages, settings in rows:
        with making_sense(f"group {group_id}"):
            if prompt_of(messages, settings, ()).name == name:
                return Bite([group_id], None)
    return Bite([], _behind(connection, after + _NAMED))


def tags(connection: sqlite3.Connection, after: int) -> Bite[str]:
    """The tags of the groups behind position `after`, each once."""
    rows = connection.execute(
        "SELECT settings FROM groups WHERE position > ? AND position <= ? "
        "AND instr(settings, ?) ORDER BY position",
        (after, after + _NAMED, b'"tags":'),
    )
    with making_sense("the tags of the groups"):
        tagged = (unpack_json(settings).get("tags", ()) for (settings,) in rows)
        found = dict.fromkeys(chain.from_iterable(tagged))
    return Bite([*found], _behind(connection, after + _NAMED))


def _behind(connection: sqlite3.Connection, position: int) -> int | None:
    """The position, if the queue goes on behind it."""
    (queued,) = connection.execute("SELECT queued FROM session").fetchone()
    return position if position < queued else None


def search(connection: sqlite3.Connection, query: Query, after: int) -> Bite[Found]:
    """The texts of the next few groups behind position `after` that have what is searched for."""
    rows = connection.execute(
        f"{_SEARCH_COLUMNS} WHERE position > ? ORDER BY position LIMIT ?",
        (after, _SEARCHED),
    ).fetchall()
    found: list[Found] = []
    size = 0
    for number, row in enumerate(rows, start=1):
        with making_sense(f"group {row[0]}"):
            texts = _texts(connection, row)
            found += _matches(row, texts, query)
        size += sum(len(text) for _, text in texts)
        if size >= _SEARCHED_BYTES and number < len(rows):
            return Bite(found, row[1])
    return Bite(found, rows[-1][1] if len(rows) == _SEARCHED else None)


def search_group(connection: sqlite3.Connection, query: Query, group_id: int) -> Sequence[Found]:
    """The texts of one group that have what is searched for."""
    row = connection.execute(f"{_SEARCH_COLUMNS} WHERE id = ?", (group_id,)).fetchone()
    with making_sense(f"group {group_id}"):
        return [*_matches(row, _texts(connection, row), query)]


_SEARCH_COLUMNS = "SELECT id, ifnull(position, -1), messages, settings FROM groups"


def _texts(connection: sqlite3.Connection, row: Row) -> list[tuple[int | None, str]]:
    """What is said in a group: the messages of the prompt, then the responses of the newest set."""
    group_id, _, messages, _ = row
    said = [(None, content) for _, content in unpack_json(messages)]
    attempts = connection.execute(
        "SELECT slot, text FROM responses WHERE group_id = ?1 "
        "AND set_no = (SELECT max(set_no) FROM responses WHERE group_id = ?1) ORDER BY slot, id",
        (group_id,),
    )
    newest = {slot: unpack(text) for slot, text in attempts}
    return [*said, *newest.items()]


def _matches(row: Row, texts: Iterable[tuple[int | None, str]], query: Query) -> Iterator[Found]:
    for slot, text in texts:
        if match := query.find(text):
            name = prompt_of(row[2], row[3], ()).name
            yield Found(row[0], row[1], name, slot, *match)
