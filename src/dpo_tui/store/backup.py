"""Copies of a session, whole and consistent while others work on it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from dpo_tui.errors import InputError
from dpo_tui.paths import temporary_beside
from dpo_tui.store.faults import store_error, told

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
        with told(target), closing(sqlite3.connect(target)) as copy:
            source.backup(copy, pages=_PAGES)
            # One file, without the log that the original may have beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
    except BaseException:
        target.unlink(missing_ok=True)
        raise
