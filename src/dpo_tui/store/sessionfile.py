"""An open session file: who holds it, who works on it, and what it says of itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from dpo_tui.errors import StoreError
from dpo_tui.store import queue
from dpo_tui.store.database import ENDINGS, Database, Journal, check_file
from dpo_tui.store.faults import told
from dpo_tui.store.info import SessionInfo, load_info
from dpo_tui.store.lock import SessionLock
from dpo_tui.store.rescue import DisplacedError
from dpo_tui.store.rows import pack_path


class SessionFile:
    """Opens the file for one annotator; what is in it is the business of `SessionStore`."""

    def __init__(
        self,
        database: Database,
        lock: SessionLock | None,
        annotator: str,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._lock = lock
        self._clock = clock
        self._annotator = annotator
        self._annotator_ids: dict[str, int] = {}

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        annotator: str,
        labels: bool = True,
        journal: Journal | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Create or open a session; its folder has to be there.

        It is held for the annotator unless `labels` says that nothing will be decided. A symlink
        is resolved once, here. `journal` overrides what suits the file system.

        Raises:
            StoreError: another process holds it, or the file can't be used.
        """
        try:
            path = path.resolve()
        except RuntimeError as error:  # a loop of symlinks, before Python 3.13
            raise StoreError(f"Session {path}: {error}.", remedy="Name another file.") from error
        if path.exists():
            check_file(path)
        with ExitStack() as undo:
            lock = SessionLock.acquire(path, annotator, clock()) if labels else None
            if lock:
                undo.callback(lock.release)
            database = Database.open(path, journal)
            undo.callback(database.close)
            if lock:
                database.claim = lock.renew
            opened = cls(database, lock, annotator, clock)
            opened._begin()
            undo.pop_all()
        return opened

    def _begin(self) -> None:
        now = self._clock()
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO session (id, created_at, last_used_at) VALUES (1, ?, ?)",
                (now, now),
            )
            connection.execute("UPDATE session SET last_used_at = ?", (now,))
        self._id(self._annotator)

    def _id(self, annotator: str) -> int:
        """The annotator's id; a name that was never seen is registered."""
        if annotator not in self._annotator_ids:
            with self._database.transaction() as connection:
                found = queue.register_annotator(connection, annotator)
            self._annotator_ids[annotator] = found
        return self._annotator_ids[annotator]

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._database.path

    def info(self) -> SessionInfo:
        """What the session says of itself."""
        with self._database.reading() as connection:
            return load_info(connection, self.path)

    def remember(
        self, *, prompts_path: Path | None = None, dataset_path: Path | None = None
    ) -> None:
        """Note which file the prompts come from, and which one the annotator's pairs go to.

        What isn't given stays as it was.
        """
        annotator_id = self._id(self._annotator)
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE session SET prompts_path = ifnull(?, prompts_path)",
                (pack_path(prompts_path),),
            )
            connection.execute(
                "UPDATE annotators SET dataset_path = ifnull(?, dataset_path) WHERE id = ?",
                (pack_path(dataset_path), annotator_id),
            )

    def close(self) -> None:
        """Give the session free."""
        with ExitStack() as last:
            if self._lock:
                last.callback(self._lock.release)
            last.enter_context(told(self.path))
            last.callback(self._database.close)
            try:
                with self._database.transaction() as connection:
                    connection.execute("UPDATE session SET last_used_at = ?", (self._clock(),))
            except DisplacedError:
                raise
            except StoreError:
                pass  # only the list of sessions would miss it

    def discard(self) -> None:
        """Give it up and remove its file: for one that was just made and holds nothing."""
        self._database.close()
        for ending in ENDINGS:
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
        if self._lock:
            self._lock.remove()
            self._lock.release()
