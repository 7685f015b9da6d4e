"""The session file as the service sees it: each method is one committed step."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from dpo_tui.domain.ledger import Entry, Region
from dpo_tui.domain.model import (
    Completion,
    Decision,
    Draft,
    Group,
    ImportSummary,
    Progress,
    Prompt,
    Response,
)
from dpo_tui.errors import StoreError
from dpo_tui.store import checks, decisions, groups, imports, queue, regions
from dpo_tui.store.database import Database, Journal, check_file
from dpo_tui.store.faults import told
from dpo_tui.store.info import SessionInfo, load_info
from dpo_tui.store.lock import SessionLock
from dpo_tui.store.rows import pack_path


class SessionStore:
    """An open session: `service.ports.Store` over one SQLite file.

    Entries are those of the dataset file of the annotator that it was opened for, and so those of
    all annotators who share it. Usable from any thread, one at a time.
    """

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
    ) -> SessionStore:
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
            store = cls(database, lock, annotator, clock)
            store._begin()
            undo.pop_all()
        return store

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

    def import_prompts(
        self, prompts: Iterable[Prompt], fingerprint: bytes | None = None
    ) -> ImportSummary:
        """Make the queue what the prompts file says: all of it, or nothing if `prompts` raises.

        `fingerprint` is what `is_imported` will know the file by, until the next import.
        """
        with self._database.large_transaction() as connection:
            return imports.import_prompts(connection, prompts, fingerprint)

    def is_imported(self, fingerprint: bytes) -> bool:
        """Whether the last import was that of a file with this fingerprint."""
        with self._database.reading() as connection:
            return queue.is_imported(connection, fingerprint)

    def needs_server(self) -> bool:
        """Whether the last import brought prompts without ready-made responses."""
        with self._database.reading() as connection:
            return bool(connection.execute("SELECT needs_server FROM session").fetchone()[0])

    def keep_removed(self, *, drops: bool) -> None:
        """Say whether the pairs of prompts that left the queue leave the dataset too."""
        with self._database.transaction() as connection:
            queue.keep_removed(connection, drops=drops)

    def progress(self, annotator: str) -> Progress:
        """Where the annotator stands; pairs are those that belong in the dataset."""
        annotator_id = self._id(annotator)
        with self._database.reading() as connection:
            return queue.progress(connection, annotator_id)

    def group(self, group_id: int, annotator: str) -> Group:
        """One group with its responses and what this annotator made of it so far.

        A group that has left the queue has position -1.
        """
        annotator_id = self._id(annotator)
        with self._database.reading() as connection:
            return groups.load_group(connection, group_id, annotator_id, annotator)

    def next_undecided(self, annotator: str, after: int) -> int | None:
        """The id of the first undecided group behind position `after`, then of the first of all."""
        annotator_id = self._id(annotator)
        with self._database.reading() as connection:
            return queue.next_undecided(connection, annotator_id, after)

    def next_skipped(self, annotator: str, after: int) -> int | None:
        """The id of the first skipped group behind position `after`."""
        annotator_id = self._id(annotator)
        with self._database.reading() as connection:
            return queue.next_skipped(connection, annotator_id, after)

    def group_at(self, position: int) -> int | None:
        """The id of the group at a position of the queue; None behind its ends."""
        with self._database.reading() as connection:
            return queue.group_at(connection, position)

    def upcoming(self, annotator: str, start: int, limit: int) -> Sequence[Group]:
        """Undecided groups from position `start` on, in order, at most `limit`."""
        annotator_id = self._id(annotator)
        with self._database.reading() as connection:
            return [
                groups.load_group(connection, group_id, annotator_id, annotator)
                for group_id in queue.upcoming(connection, annotator_id, start, limit)
            ]

    def add_response(
        self, group_id: int, set_no: int, slot: int, completion: Completion
    ) -> Response:
        """Store one ended attempt."""
        with self._database.transaction() as connection:
            found = groups.insert_response(connection, group_id, set_no, slot, completion)
        return Response(found, group_id, set_no, slot, completion)

    def save_draft(self, group_id: int, annotator: str, draft: Draft) -> None:
        """Keep marks in progress."""
        annotator_id = self._id(annotator)
        with self._database.transaction() as connection:
            groups.save_draft(connection, group_id, annotator_id, draft)

    def set_flag(self, group_id: int, annotator: str, *, flagged: bool) -> None:
        """Say whether the annotator wants to come back to a group."""
        annotator_id = self._id(annotator)
        with self._database.transaction() as connection:
            groups.set_flag(connection, group_id, annotator_id, flagged=flagged)

    def decide(self, decision: Decision, region: Region | None) -> Decision:
        """Store a decision, drop the draft, and plan its region (unsettled until `settle`).

        The region of an earlier decision on the same group is unwanted and unsettled from then on.
        """
        annotator_id = self._id(decision.annotator)
        lines = None if region is None else regions.lines_of(region)
        with self._database.transaction() as connection:
            found = decisions.add_decision(connection, decision, annotator_id, lines, self._clock())
            decision = replace(decision, id=found)
            if region is not None:
                regions.plan_region(connection, decision, annotator_id, region)
            groups.drop_draft(connection, decision.group_id, annotator_id)
        return decision

    def undo(self, annotator: str) -> tuple[Decision, Entry | None] | None:
        """Take back the newest decision that counts; its marks become the draft again.

        If an earlier decision on the group counts again, the group shows its marks instead, and
        `unsettled` has its region too.
        """
        annotator_id = self._id(annotator)
        with self._database.transaction() as connection:
            undone = decisions.undo_newest(connection, annotator_id, annotator, self._clock())
            if undone is None:
                return None
            decision, counting = undone
            if counting is None:
                draft = groups.draft_before(connection, decision)
                groups.save_draft(connection, decision.group_id, annotator_id, draft)
            else:
                groups.drop_draft(connection, decision.group_id, annotator_id)
            return decision, regions.entry_of(connection, decision.id)

    def redo(self, annotator: str) -> Decision | None:
        """Let the decision that was taken back last count again; its region is unsettled then."""
        annotator_id = self._id(annotator)
        with self._database.transaction() as connection:
            decision = decisions.redo_newest(connection, annotator_id, annotator, self._clock())
            if decision is not None:
                groups.drop_draft(connection, decision.group_id, annotator_id)
        return decision

    def unsettled(self) -> Sequence[Entry]:
        """Entries whose writing or removal is not known to have happened, oldest first."""
        annotator_id = self._id(self._annotator)
        with self._database.reading() as connection:
            return regions.unsettled_entries(connection, annotator_id)

    def settled(self) -> Iterator[Entry]:
        """All other entries that have bytes in the file, the last one of the file first."""
        return regions.settled_entries(self._database, self._id(self._annotator))

    def rebuild(self) -> None:
        """Derive anew what is derived from the decisions, for every annotator.

        Nothing is taken for known of the dataset files then.
        """
        with self._database.large_transaction() as connection:
            checks.rebuild(connection)
            regions.forget_places(connection)

    def settle(self, entries: Iterable[Entry]) -> None:
        """Note that the dataset file agrees with these entries, at these offsets.

        A power cut may take this back, which costs no more than looking again.
        """
        with self._database.lazy_transaction() as connection:
            regions.settle(connection, entries)

    def close(self) -> None:
        """Give the session free."""
        with ExitStack() as last:
            if self._lock:
                last.callback(self._lock.release)
            last.enter_context(told(self.path))
            last.callback(self._database.close)
            # Only the list of sessions would miss it.
            last.enter_context(suppress(StoreError))
            with self._database.transaction() as connection:
                connection.execute("UPDATE session SET last_used_at = ?", (self._clock(),))

    def discard(self) -> None:
        """Give it up and remove its file: for one that was just made and holds nothing."""
        self._database.close()
        for ending in ("", "-wal", "-shm", "-journal"):
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
        if self._lock:
            self._lock.remove()
            self._lock.release()
