"""What SQLite and the operating system say, told as a StoreError with what to do next."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dpo_tui.errors import NO_SPACE, StoreError

_FREE_SPACE = "Free some space (or raise the quota) and try again; what was saved before is safe."
_DAMAGED = "Keep the file for rescue, and start over with --fresh or another --session."

# By primary result code (https://sqlite.org/rescode.html): what happened, what to do next.
_SAID: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_FULL: ("the disk is full", _FREE_SPACE),
    sqlite3.SQLITE_IOERR: ("reading or writing failed", _FREE_SPACE),
    sqlite3.SQLITE_READONLY: (
        "it can't be written",
        "Make the file and its folder writable for you, or name another one with --session.",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "it can't be opened",
        "Check that the folder exists and that you may read and write there.",
    ),
    sqlite3.SQLITE_PERM: ("access was denied", "Check the permissions of the file."),
    sqlite3.SQLITE_BUSY: (
        "another process keeps it locked",
        "Wait until that process is done, or close it, and try again.",
    ),
    sqlite3.SQLITE_CORRUPT: ("the file is damaged", _DAMAGED),
    sqlite3.SQLITE_NOTADB: (
        "it is not a session of dpo-tui",
        "Name another file with --session; this one was left as it is.",
    ),
}


class SenselessError(sqlite3.DataError):
    """A row says what was never written."""


@contextmanager
def making_sense(what: str) -> Iterator[None]:
    """Turn what goes wrong when `what` is read from its row into a SenselessError."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise SenselessError(f"{what} is damaged ({type(error).__name__}: {error})") from error


def store_error(path: Path, error: sqlite3.Error | OSError) -> StoreError:
    """The StoreError that tells what went wrong with the session at `path`."""
    if isinstance(error, OSError):
        remedy = "Check that the folder exists and what you may do there."
        if error.errno in NO_SPACE:
            remedy = _FREE_SPACE
        return StoreError(f"Session {path}: {error.strerror or error}.", remedy=remedy)
    if isinstance(error, SenselessError):
        return StoreError(
            f"Session {path}: {error}.",
            remedy="Another program has changed it. Go on with a backup (dpo-tui backup makes "
            "them); `dpo-tui verify` names all that is damaged.",
        )
    code = getattr(error, "sqlite_errorcode", None)
    what, remedy = _SAID.get(code & 0xFF, (str(error), "")) if code else (str(error), "")
    detail = "" if what == str(error) else f" ({error})"
    return StoreError(f"Session {path}: {what}{detail}.", remedy=remedy)


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn errors of SQLite into StoreErrors about the session at `path`."""
    try:
        yield
    except sqlite3.Error as error:
        raise store_error(path, error) from error
