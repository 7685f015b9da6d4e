"""Files of a session that were taken away while it was open: noticed, and put back.

SQLite doesn't notice: it goes on in files without a name, and all of it is gone when the process
ends. Until then the connection still reads everything, so that nothing has to be lost.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

from dpo_tui.errors import StoreError
from dpo_tui.paths import make_private
from dpo_tui.store.backup import copy_database
from dpo_tui.store.faults import store_error, told

Inode: TypeAlias = tuple[int, int] | None
"""Device and inode of a file; None if there is none. Nothing else gets them while it is open."""
Files: TypeAlias = tuple[Inode, Inode]
"""What lies at the path of a session, and at that of its write-ahead log."""

_NEWEST = (
    "SELECT created_at, ifnull((SELECT max(id) FROM groups), 0), "
    "ifnull((SELECT max(id) FROM responses), 0), ifnull((SELECT max(id) FROM journal), 0) "
    "FROM session"
)
"""When the session was made, and the newest rows of what is only ever added to."""


class DisplacedError(StoreError):
    """Another file took the place of the session; what was in it is kept under another name."""


def files_at(path: Path) -> Files:
    """What lies there now; takes a few microseconds."""
    return _inode(path), _inode(f"{path}-wal")


def put_back(
    connection: sqlite3.Connection, path: Path, opened: Files, claim: Callable[[], None]
) -> None:
    """Write what `connection` reads to `path`, whose files were other ones when it was opened.

    To be opened anew then. `claim` makes sure that the path is still ours to write to. Of several
    processes on one session the first does it, and the others find that it is done.

    Raises:
        DisplacedError: another file lies there; it was left alone, and a copy is kept beside it.
        StoreError: it can't be written now; calling again later is safe.
    """
    try:
        make_private(path.parent)
        copy = _beside(path, f".{os.getpid()}.tmp")
        copy.unlink(missing_ok=True)
        try:
            with told(path):
                _copy_and_publish(connection, copy, path, opened[0], claim)
        finally:
            copy.unlink(missing_ok=True)
    except OSError as error:
        raise store_error(path, error) from error


def _copy_and_publish(
    connection: sqlite3.Connection,
    copy: Path,
    path: Path,
    opened: Inode,
    claim: Callable[[], None],
) -> None:
    # If the file was renamed, it is whole without the log that it left behind.
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    while True:
        before = _data_version(connection)
        copy_database(connection, copy)
        # What other processes commit looks for the files under this lock, as they do: nothing
        # gets past the copy.
        connection.execute("BEGIN IMMEDIATE")
        try:
            if _data_version(connection) == before:
                _publish(connection, copy, path, opened, claim)
                return
        finally:
            connection.execute("ROLLBACK")
        copy.unlink()


def _publish(
    connection: sqlite3.Connection,
    copy: Path,
    path: Path,
    opened: Inode,
    claim: Callable[[], None],
) -> None:
    if _inode(path) in (None, opened):
        claim()
        for ending in ("-wal", "-shm"):  # they belong to the file that was taken away
            _beside(path, ending).unlink(missing_ok=True)
        copy.replace(path)
    elif not _lacks_nothing(path, connection):
        kept = path.with_name(f"{path.stem}.kept-{os.getpid()}{path.suffix}")
        copy.replace(kept)
        raise DisplacedError(
            f"Session {path}: another file was put in its place. Nothing is lost: all that was "
            f"saved here is kept as {kept}.",
            remedy=f"Leave, and move {kept.name} back to {path.name} unless you want the other "
            "one.",
        )


def _lacks_nothing(path: Path, connection: sqlite3.Connection) -> bool:
    """Whether the session at `path` has all that `connection` reads: it was put back already."""
    ours = connection.execute(_NEWEST).fetchone()
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as other:
            theirs = other.execute(_NEWEST).fetchone()
    except sqlite3.Error:
        return False
    return theirs[0] == ours[0] and all(new >= old for new, old in zip(theirs, ours, strict=True))


def _data_version(connection: sqlite3.Connection) -> int:
    """Changes with what other connections commit."""
    version: int = connection.execute("PRAGMA data_version").fetchone()[0]
    return version


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _inode(path: Path | str) -> Inode:
    try:
        status = os.stat(path)  # noqa: PTH116 - a third of the time that making a Path takes
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_dev, status.st_ino
