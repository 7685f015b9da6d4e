"""What a session says of itself: for lists of sessions, read without disturbing anybody."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from pathlib import Path

from msgspec import Struct, field

from dpo_tui.domain.model import ImportSummary, Progress
from dpo_tui.errors import InputError, StoreError
from dpo_tui.store.database import read_only
from dpo_tui.store.faults import making_sense, told
from dpo_tui.store.rows import unpack, unpack_path, unpack_summary
from dpo_tui.store.schema import check_header, version_of


class SessionInfo(Struct, frozen=True):
    """A session file in short."""

    path: Path
    prompts_path: Path | None
    """The prompts file that it was last opened with."""
    created_at: float
    """Unix time in seconds."""
    last_used_at: float
    """Unix time in seconds."""
    total: int
    """Groups in the queue."""
    progress: Mapping[str, Progress]
    """By annotator."""
    dataset_paths: Mapping[str, Path] = field(default_factory=dict)
    """The dataset files that decisions go to, by annotator; can be the same one."""
    last_change: ImportSummary = field(default_factory=ImportSummary)
    """What the last edit of the prompts file changed."""
    flagged: Mapping[str, int] = field(default_factory=dict)
    """How many groups of the queue each annotator wants to come back to; only who has some."""
    first_key: bytes = b""
    """What the first prompt of the queue is known by; empty if there is none."""

    @property
    def decided(self) -> int:
        """Groups that are confirmed or skipped, by whoever it is."""
        return sum(each.confirmed + each.skipped for each in self.progress.values())


def describe(path: Path) -> SessionInfo:
    """Look at a session file, whoever is working on it.

    Raises:
        StoreError: it can't be read, or it is not a session.
    """
    with read_only(path, brief=True) as connection:
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        check_header(application_id, version_of(connection), path)
        with told(path):
            return load_info(connection, path)


def require_annotator(name: str | None, known: Collection[str], path: Path) -> None:
    """See to it that somebody who is asked for has worked on a session; None asks for all.

    Raises:
        InputError: nobody of that name has.
    """
    if name is not None and name not in known:
        raise InputError(
            f"--annotator: nobody who is called {name!r} has worked on {path}",
            remedy=f"Those who have: {', '.join(known) or 'nobody yet'}.",
        )


def load_info(connection: sqlite3.Connection, path: Path) -> SessionInfo:
    """The same over an open connection."""
    row = connection.execute(
        "SELECT prompts_path, created_at, last_used_at, queued FROM session"
    ).fetchone()
    if row is None:
        raise StoreError(f"Session {path}: it was never opened to its end.", remedy="Remove it.")
    with making_sense("what it says of itself"):
        prompts_path, created_at, last_used_at, total = row
        annotators = connection.execute(
            "SELECT name, confirmed, skipped, pairs FROM annotators ORDER BY id"
        )
        progress = {unpack(name): Progress(total, *counts) for name, *counts in annotators}
        return SessionInfo(
            path,
            unpack_path(prompts_path),
            created_at,
            last_used_at,
            total,
            progress,
            _dataset_paths(connection),
            _last_change(connection),
            _flagged(connection),
            _first_key(connection),
        )


def _first_key(connection: sqlite3.Connection) -> bytes:
    rows = connection.execute(
        "SELECT key FROM groups WHERE position IS NOT NULL ORDER BY position LIMIT 1"
    )
    return bytes(next(rows, (b"",))[0])


def _flagged(connection: sqlite3.Connection) -> dict[str, int]:
    if version_of(connection) < 3:
        return {}
    rows = connection.execute(
        "SELECT name, count(*) FROM flags JOIN annotators ON annotators.id = annotator_id "
        "JOIN groups ON groups.id = group_id WHERE position IS NOT NULL GROUP BY annotators.id"
    )
    return {unpack(name): count for name, count in rows}


def _dataset_paths(connection: sqlite3.Connection) -> dict[str, Path]:
    if version_of(connection) < 4:
        rows = connection.execute("SELECT name, dataset_path FROM annotators, session")
    else:
        rows = connection.execute("SELECT name, dataset_path FROM annotators ORDER BY id")
    paths = {unpack(name): unpack_path(path) for name, path in rows}
    return {name: path for name, path in paths.items() if path}


def _last_change(connection: sqlite3.Connection) -> ImportSummary:
    if version_of(connection) < 2:  # a session that wasn't opened since
        return ImportSummary()
    return unpack_summary(connection.execute("SELECT last_change FROM session").fetchone()[0])
