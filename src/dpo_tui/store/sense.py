"""Whether every row says what could have been written, as only reading it tells."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from typing import NamedTuple

from dpo_tui.store.faults import SenselessError, making_sense
from dpo_tui.store.rows import (
    DECISION_COLUMNS,
    DRAFT_COLUMNS,
    RESPONSE_COLUMNS,
    Row,
    decision_of,
    draft_of_row,
    prompt_of,
    response_of,
    unpack,
)


class _Rows(NamedTuple):
    what: str
    columns: str
    """The first one is the number that it is told by."""
    source: str
    read: Callable[[Row], object]


def _read_group(row: Row) -> None:
    prompt_of(row[1], row[2], ())
    json.loads(row[3] or "[]")


def _check_lines(row: Row) -> None:
    if not row[1].endswith(b"\n"):
        raise ValueError("its pairs are cut off")


_ROWS = (
    _Rows("group", "id, messages, settings, ready", "groups", _read_group),
    _Rows("response", RESPONSE_COLUMNS, "responses", response_of),
    _Rows("decision", DECISION_COLUMNS, "decisions", lambda row: decision_of(row, "")),
    _Rows(
        "decision",
        "id, lines",
        "decisions WHERE lines IS NOT NULL",
        _check_lines,
    ),
    _Rows(
        "marks in progress of group",
        f"group_id, {DRAFT_COLUMNS}",
        "drafts",
        lambda row: draft_of_row(row[1:]),
    ),
    _Rows(
        "text that is being typed in group",
        "group_id, text",
        "typed",
        lambda row: unpack(row[1]),
    ),
)


def senseless_rows(connection: sqlite3.Connection) -> Iterator[str]:
    """What is wrong with rows that no program of ours can have written, one finding each."""
    for what, columns, source, read in _ROWS:
        for row in connection.execute(f"SELECT {columns} FROM {source}"):  # noqa: S608 - constants
            try:
                with making_sense(f"{what} {row[0]}"):
                    read(row)
            except SenselessError as error:
                yield str(error)
