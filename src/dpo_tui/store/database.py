"""Opening a session file, and transactions on it."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

from dpo_tui.errors import StoreError
from dpo_tui.store.faults import store_error, told
from dpo_tui.store.filesystem import is_network
from dpo_tui.store.rescue import DisplacedError, Files, files_at, put_back
from dpo_tui.store.schema import check_header, migrate, version_of

_BUSY_SECONDS = 10.0
_MAGIC = b"SQLite format 3\0"
ENDINGS = ("", "-wal", "-shm", "-journal")
"""Of the session file, and of those that SQLite puts beside it."""
_WAL_KEPT = 64 * 1024 * 1024
"""Bytes of the write-ahead log file that are kept for reuse."""


class Journal(StrEnum):
    """How SQLite keeps transactions whole (https://sqlite.org/pragma.html#pragma_journal_mode)."""

    WAL = "wal"
    """Quicker, and readers don't wait; needs shared memory, so one host."""
    TRUNCATE = "truncate"
    """A rollback journal: works on network file systems."""


class Database:
    """One connection to a session file, ready to be used."""

    def __init__(self, path: Path, connection: sqlite3.Connection, journal: Journal) -> None:
        self.path = path
        self.connection = connection
        self.journal = journal
        self.claim: Callable[[], None] = lambda: None
        """Makes sure that the path is ours before a file that was taken away is put back."""
        self._files = self._files_now()
        self._displaced: DisplacedError | None = None

    @classmethod
    def open(cls, path: Path, journal: Journal | None) -> Database:
        """Create or open the file; `journal` overrides what suits its file system.

        Raises:
            StoreError: it can't be used, or it is not a session; then it is left as it was.
        """
        create_private(path)
        check_file(path)
        _check_writable(path)
        chosen = journal or (Journal.TRUNCATE if is_network(path.parent) else Journal.WAL)
        return cls(path, _connect(path, chosen), chosen)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, on disk when it ends.

        Raises:
            StoreError: the disk refused, or the file had been taken away; nothing of it is in it.
        """
        with told(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                if self._files_now() != self._files:
                    self._put_back()
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                # SQLite has rolled back by itself after some errors.
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise

    def _files_now(self) -> Files:
        try:
            file, log = files_at(self.path)
        except OSError as error:  # nobody can tell whether they are still there
            raise store_error(self.path, error) from error
        # Another process may open the session with a log, to which SQLite turns here too.
        return file, log if self.journal is Journal.WAL else None

    def _put_back(self) -> NoReturn:
        self.connection.execute("ROLLBACK")
        if self._displaced and self._files_now()[0]:
            raise self._displaced
        try:
            put_back(self.connection, self.path, self._files, self.claim)
        except DisplacedError as error:
            self._displaced = error
            raise
        connection = _connect(self.path, self.journal)
        self.connection.close()
        self.connection, self._files = connection, self._files_now()
        raise StoreError(
            f"Session {self.path}: its file was removed or moved while it was open. It is back in "
            "its place, with all that was saved.",
            remedy="What was not saved just now can be saved again.",
        )

    @contextmanager
    def lazy_transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, but a power cut may still take it back.

        Only WAL stays whole without waiting for the disk, so a rollback journal waits as always.
        """
        with told(self.path):
            if self.journal is Journal.WAL:
                self.connection.execute("PRAGMA synchronous = NORMAL")
            try:
                with self.transaction() as connection:
                    yield connection
            finally:
                self.connection.execute("PRAGMA synchronous = FULL")

    @contextmanager
    def large_transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction of many rows: more cache while it runs, no huge log file afterwards."""
        with told(self.path):
            self.connection.execute("PRAGMA cache_size = -32768")
            try:
                with self.transaction() as connection:
                    yield connection
            finally:
                self.connection.execute("PRAGMA cache_size = -2000")
                self.connection.execute("PRAGMA shrink_memory")
        # It is committed; if the log can't be folded in now, it will be later.
        with suppress(sqlite3.Error):
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Several reads of one and the same state."""
        with told(self.path):
            self.connection.execute("BEGIN")
            try:
                yield self.connection
            finally:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connection; in WAL mode the last one folds the log into the file."""
        self.connection.close()


def _connect(path: Path, journal: Journal) -> sqlite3.Connection:
    with told(path):
        connection = sqlite3.connect(
            path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            # Before WAL, so that the header says at once whose file it is.
            migrate(connection, path)
            connection.execute(f"PRAGMA journal_mode = {journal.value}")
            connection.execute(f"PRAGMA journal_size_limit = {_WAL_KEPT}")
            version_of(connection)  # from the first look on the log lies beside the file
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def read_only(path: Path, *, brief: bool = False) -> Iterator[sqlite3.Connection]:
    """A connection that changes nothing, beside whoever works on the session.

    `brief` says that reading is over before anybody could begin to work on it meanwhile.

    Raises:
        StoreError: it can't be read, or it is not a session.
    """
    header = check_file(path)
    if header is None:
        raise StoreError(f"Session {path}: the file is empty.", remedy="Remove it.")
    uri = path.absolute().as_uri()
    log = path.with_name(path.name + "-wal")
    # An empty log is left where one couldn't be begun for want of space.
    if not _is_wal(header) or _size(log) > 0:
        uri += "?mode=ro"
    elif (log.exists() or not brief) and _can_keep_others_away(path, f"{uri}?mode=rw"):
        uri += "?mode=rw"
    else:
        # Nobody has it open, and opening it the usual way takes log files.
        uri += "?mode=ro&immutable=1"
    with told(path):
        connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            connection.execute("PRAGMA query_only = ON")
            yield connection
        finally:
            connection.close()


def _can_keep_others_away(path: Path, uri: str) -> bool:
    """Whether there can be the log files that it takes; they go when the connection closes."""
    if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        return False
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS)) as probe:
            version_of(probe)
    except sqlite3.Error:  # the disk is full
        return False
    return True


def journal_of(path: Path) -> Journal:
    """How the file is kept whole now.

    Raises:
        StoreError: it can't be read, or it is not a session.
    """
    header = check_file(path)
    return Journal.WAL if header and _is_wal(header) else Journal.TRUNCATE


def _is_wal(header: bytes) -> bool:
    return header[18] == 2


def create_private(path: Path) -> None:
    """Make the file readable by its owner only, before SQLite or a wide umask can do otherwise.

    The log files that SQLite puts beside it take its permissions.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise store_error(path, error) from error


def _check_writable(path: Path) -> None:
    """Look before SQLite does: beside a file that can't be written, it leaves such a log.

    Raises:
        StoreError: the file can't be written, or one beside it.
    """
    for ending in ENDINGS:
        file = path.with_name(path.name + ending)
        if file.exists() and not os.access(file, os.W_OK):
            raise StoreError(
                f"Session {path}: {file.name} can't be written.",
                remedy=f"Make {file} writable for you, or name another session with --session.",
            )


def check_file(path: Path) -> bytes | None:
    """Look at the header without SQLite, which could already change a foreign file.

    Never of a file that this process has open: closing it again drops the locks that SQLite has on
    it (https://sqlite.org/howtocorrupt.html, 2.2).

    Returns the header's 100 bytes, or None for an empty file.

    Raises:
        StoreError: it can't be read, is not ours, or is newer than we are.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(fd)
            regular = stat.S_ISREG(status.st_mode)
            header = os.pread(fd, 100, 0) if regular else b""
        finally:
            os.close(fd)
        interrupted = _size(path.with_name(path.name + "-journal")) > 0
    except OSError as error:
        raise store_error(path, error) from error
    if not regular:
        raise StoreError(f"Session {path}: this is not a file.", remedy="Name another one.")
    if status.st_nlink > 1:
        # The log lies beside one of the names only (https://sqlite.org/howtocorrupt.html, 2.5).
        raise StoreError(
            f"Session {path}: the file has a second name (a hard link), under which its log would "
            "be missed.",
            remedy="Make one of them a copy with `cp`, or remove one.",
        )
    if not header:
        return None
    if interrupted:
        # A transaction was cut off: SQLite has to roll it back before the header means anything.
        return header
    if len(header) < 100 or not header.startswith(_MAGIC):
        raise StoreError(
            f"Session {path}: it is not a session of dpo-tui, or it is damaged.",
            remedy="Name another file with --session; this one was left as it is.",
        )
    # Offsets as in https://sqlite.org/fileformat.html#the_database_header
    check_header(int.from_bytes(header[68:72]), int.from_bytes(header[60:64]), path)
    return header


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
