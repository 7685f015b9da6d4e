"""Copies of a session, whole and consistent while others work on it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from dpo_tui.errors import InputError
from dpo_tui.paths import temporary_beside
from dpo_tui.store.faults import store_error

_PAGES = 4096
"""Pages that are copied at once; between two steps others may write."""


def replace_backup(session: Path, target: Path) -> None:
    """Copy a session in the place of an earlier copy, if there is one.

    By a connection of its own: one that is about to write can't be copied from.

    Raises:
        StoreError: it can't be written; the earlier copy is as it was.
    """
    temporary = temporary_beside(target)
    try:
        temporary.unlink(missing_ok=True)
        with closing(sqlite3.connect(session)) as source:
            copy_database(source, temporary)
        temporary.replace(target)
    except OSError as error:
        raise store_error(target, error) from error


def copy_database(source: sqlite3.Connection, target: Path) -> None:
    """Copy what a connection reads to a new file, for its owner alone.

    Uses https://sqlite.org/backup.html.

    Raises:
        InputError: the file is there already.
        StoreError: it can't be written; what was begun is gone.
    """
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        os.close(os.open(target, flags, 0o600))
    except FileExistsError:
        raise InputError(
            f"{target}: there is a file of that name already",
            remedy="Name another one; nothing is overwritten.",
        ) from None
    except OSError as error:
        raise store_error(target, error) from error
    try:
        with _told(source, target), closing(sqlite3.connect(target)) as copy:
            source.backup(copy, pages=_PAGES)
            # One file, without the log that the original may have beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
    except BaseException:
        target.unlink(missing_ok=True)
        raise


@contextmanager
def _told(source: sqlite3.Connection, target: Path) -> Iterator[None]:
    """Turn errors of SQLite into StoreErrors; damage comes with what is copied."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        is_damage = code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
        ((_, _, session), *_) = source.execute("PRAGMA database_list")
        raise store_error(Path(session) if is_damage else target, error) from error
