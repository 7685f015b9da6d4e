"""The session file as the service sees it: each method is one committed step."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec.structs import replace

from dpo_tui.collecting import seldom_collecting
from dpo_tui.domain.ledger import Entry, Region
from dpo_tui.domain.listing import Bite, Filter, Found, GroupRow
from dpo_tui.domain.model import (
    Completion,
    Decision,
    Draft,
    Group,
    ImportSummary,
    PreferenceUse,
    Progress,
    Prompt,
    Response,
    Verdict,
)
from dpo_tui.domain.searching import Query
from dpo_tui.store import catalogue, checks, decisions, groups, imports, queue, regions
from dpo_tui.store.preferences import PreferenceTaker
from dpo_tui.store.sessionfile import SessionFile


class SessionStore(SessionFile):
    """An open session: `service.ports.Store` over one SQLite file.

    Entries are those of the dataset file of the annotator that it was opened for, and so those of
    all annotators who share it. Usable from any thread, one at a time.
    """

    def import_prompts(
        self,
        prompts: Iterable[Prompt],
        fingerprint: bytes | None = None,
        *,
        use: PreferenceUse = PreferenceUse.IGNORE,
        source: str = "",
    ) -> ImportSummary:
        """Make the queue what the prompts file says: all of it, or nothing if `prompts` raises.

        `fingerprint` is what `is_imported` will know the file by, until the next import. `use` says
        what becomes of preferences in it; `source` names the annotator whose decisions they are.
        """
        with self._database.large_transaction() as connection, seldom_collecting():
            taker = None
            if use is not PreferenceUse.IGNORE:
                name = source if use is PreferenceUse.DECIDE else ""
                taker = PreferenceTaker(connection, self._annotator, name, self._clock())
            return imports.import_prompts(connection, prompts, fingerprint, taker)

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

    def list_groups(
        self,
        annotator: str,
        filter_: Filter,
        tag: str | None,
        place: int,
        limit: int,
        *,
        backwards: bool = False,
    ) -> Bite[GroupRow]:
        """At most `limit` groups behind a position, with a tag if one is given.

        Backwards, they are those before it, the nearest first.
        """
        annotator_id = self._id(annotator)
        with self._database.reading() as connection:
            return catalogue.list_groups(
                connection, annotator_id, filter_, tag, place, limit, backwards=backwards
            )

    def find_name(self, name: str, after: int) -> Bite[int]:
        """The group behind position `after` whose prompt has this `id` in the prompts file."""
        with self._database.reading() as connection:
            return catalogue.find_name(connection, name, after)

    def tags(self, after: int) -> Bite[str]:
        """The tags of the groups behind position `after`, each once."""
        with self._database.reading() as connection:
            return catalogue.tags(connection, after)

    def search(self, query: Query, after: int) -> Bite[Found]:
        """The texts behind position `after` that have what is searched for."""
        with self._database.reading() as connection:
            return catalogue.search(connection, query, after)

    def search_group(self, query: Query, group_id: int) -> Sequence[Found]:
        """The texts of one group that have what is searched for."""
        with self._database.reading() as connection:
            return catalogue.search_group(connection, query, group_id)

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
        """Store one ended attempt; in another slot if somebody has typed a response in this one.

        What other annotators have marked there is forgotten.
        """
        annotator_id = self._id(self._annotator)
        with self._database.transaction() as connection:
            slot = groups.slot_for_attempt(connection, group_id, set_no, slot)
            groups.forget_marks(connection, group_id, set_no, slot, annotator_id)
            found = groups.insert_response(connection, group_id, set_no, slot, completion)
        return Response(found, group_id, set_no, slot, completion)

    def save_draft(self, group_id: int, annotator: str, draft: Draft) -> None:
        """Keep marks in progress.

        They outlive the process. A power cut may take back those since the last decision, so that
        no key waits for a slow disk.
        """
        annotator_id = self._id(annotator)
        with self._database.lazy_transaction() as connection:
            groups.save_draft(connection, group_id, annotator_id, draft)

    def set_flag(self, group_id: int, annotator: str, *, flagged: bool) -> None:
        """Say whether the annotator wants to come back to a group."""
        annotator_id = self._id(annotator)
        with self._database.transaction() as connection:
            groups.set_flag(connection, group_id, annotator_id, flagged=flagged)

    def add_own(
        self,
        group_id: int,
        annotator: str,
        set_no: int,
        slot: int,
        completion: Completion,
        draft_with: Callable[[int], Draft],
        about: int,
    ) -> Response:
        """Store a response that was typed, with its draft; the text kept `about` it is forgotten.

        It gets `slot`, or a higher one that is free, for which `draft_with` gives the draft.
        """
        annotator_id = self._id(annotator)
        with self._database.transaction() as connection:
            groups.keep_text(connection, group_id, annotator_id, about, "")
            return groups.add_own(
                connection, group_id, annotator_id, set_no, slot, completion, draft_with
            )

    def keep_text(self, group_id: int, annotator: str, about: int, text: str) -> None:
        """Keep what is being typed of an edit of response `about`, or of a new one (0)."""
        annotator_id = self._id(annotator)
        with self._database.transaction() as connection:
            groups.keep_text(connection, group_id, annotator_id, about, text)

    def kept_text(self, group_id: int, annotator: str, about: int) -> str | None:
        """What was being typed last."""
        annotator_id = self._id(annotator)
        with self._database.reading() as connection:
            return groups.kept_text(connection, group_id, annotator_id, about)

    def decide(self, decision: Decision, region: Region | None) -> Decision:
        """Store a decision, and plan its region (unsettled until `settle`).

        The draft is dropped, but for what was skipped: undo brings back what was marked until then.

        The region of an earlier decision on the same group is unwanted and unsettled from then on.
        """
        annotator_id = self._id(decision.annotator)
        lines = None if region is None else regions.lines_of(region)
        with self._database.transaction() as connection:
            found = decisions.add_decision(connection, decision, annotator_id, lines, self._clock())
            decision = replace(decision, id=found)
            if region is not None:
                regions.plan_region(connection, decision, annotator_id, region)
            _drop_draft(connection, decision, annotator_id)
        return decision

    def undo(self, annotator: str) -> tuple[Decision, Entry | None] | None:
        """Take back the newest decision that counts; its marks become the draft again.

        Marks that were made since stay. If an earlier decision on the group counts again, the group
        shows its marks instead, and `unsettled` has its region too.
        """
        annotator_id = self._id(annotator)
        with self._database.transaction() as connection:
            undone = decisions.undo_newest(connection, annotator_id, annotator, self._clock())
            if undone is None:
                return None
            decision, counting = undone
            marked_since = groups.has_draft(connection, decision.group_id, annotator_id)
            if counting is None and not marked_since:
                draft = groups.draft_before(connection, decision)
                groups.save_draft(connection, decision.group_id, annotator_id, draft)
            return decision, regions.entry_of(connection, decision.id)

    def redo(self, annotator: str) -> Decision | None:
        """Let the decision that was taken back last count again; its region is unsettled then."""
        annotator_id = self._id(annotator)
        with self._database.transaction() as connection:
            decision = decisions.redo_newest(connection, annotator_id, annotator, self._clock())
            if decision is not None:
                _drop_draft(connection, decision, annotator_id)
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
        """Derive anew what is derived from the decisions, for every annotator."""
        with self._database.large_transaction() as connection:
            checks.rebuild(connection)

    def in_order(self, start: int) -> Iterator[Entry]:
        """The same, the first one first, from the last one that begins at or before `start` on."""
        return regions.entries_in_order(self._database, self._id(self._annotator), start)

    def settle(self, entries: Iterable[Entry]) -> None:
        """Note that the dataset file agrees with these entries, at these offsets.

        A power cut may take this back, which costs no more than looking again.
        """
        with self._database.lazy_transaction() as connection:
            regions.settle(connection, entries)

    def plan(self, entries: Iterable[Entry]) -> None:
        """Note where these, which are not in the dataset file, would begin now."""
        with self._database.transaction() as connection:
            regions.plan_anew(connection, entries)


def _drop_draft(connection: sqlite3.Connection, decision: Decision, annotator_id: int) -> None:
    if decision.verdict is not Verdict.SKIPPED:
        groups.drop_draft(connection, decision.group_id, annotator_id)
