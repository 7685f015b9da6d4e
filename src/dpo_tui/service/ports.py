"""What the service needs of the world, as Protocols: store, chat client, dataset, clock.

Adapters implement them without importing this module's callers; only `main` knows both sides.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from dpo_tui.domain.chat import Ask, ChatEvent
from dpo_tui.domain.ledger import Entry, Ledger, Reconciliation, Region
from dpo_tui.domain.listing import Bite, Filter, Found, GroupRow
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
from dpo_tui.domain.pairs import Example
from dpo_tui.domain.searching import Query


class Clock(Protocol):
    """Time, passed in so that tests own it."""

    def now(self) -> float:
        """Unix time in seconds."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump."""
        ...


class ChatClient(Protocol):
    """One endpoint: an OpenAI-compatible base URL with a model."""

    @property
    def endpoint(self) -> str:
        """Base URL, for people and for a response's source."""
        ...

    @property
    def name(self) -> str:
        """What sources call it; empty if it has no name."""
        ...

    @property
    def model(self) -> str:
        """The model that is asked for if an ask names none."""
        ...

    @property
    def context(self) -> int | None:
        """Tokens that prompt and response share, if the server has told."""
        ...

    def serves(self, model: str) -> bool:
        """Whether it has this model, as far as is known."""
        ...

    def choices_per_request(self, wanted: int) -> int:
        """How many of `wanted` choices to ask for in one request, as far as is known."""
        ...

    def stream(self, ask: Ask) -> AsyncGenerator[ChatEvent, None]:
        """Send one request and yield what comes, until every choice has ended.

        Closing the iterator hangs up, and the server stops generating. Never retries.

        Raises:
            BackendError: the request failed; choices that had not ended are lost.
        """
        ...

    async def probe(self) -> None:
        """Ask cheaply whether the endpoint would serve a request now.

        Raises:
            BackendError: it would not, and why.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class Dataset(Protocol):
    """The JSONL file that trainers read. Bytes that others wrote are never touched."""

    @property
    def path(self) -> Path:
        """Where it is."""
        ...

    def plan(self, examples: Sequence[Example]) -> Region:
        """Where and how these would be appended now; writes nothing and never fails."""
        ...

    def reconcile(self, ledger: Ledger) -> Reconciliation:
        """Make the file agree with the session after a crash, a failed write or a foreign edit.

        The ledger is read while nobody else writes to the file, and told in the end.

        Raises:
            DatasetError: the file could not be read or changed; calling again later is safe.
        """
        ...


class Role(Protocol):
    """The right to generate for a session, which one process has at a time. Calls block shortly."""

    def take(self) -> bool:
        """Try to have it; True if it is ours."""
        ...

    def is_wanted(self) -> bool:
        """Whether another process insists on having it."""
        ...

    def give(self) -> None:
        """Let another process have it."""
        ...


class Store(Ledger, Protocol):
    """The session file. Every method that changes something has committed it to disk on return.

    Calls block and are made from one thread at a time. Raises StoreError when the disk refuses:
    nothing of the call is in the file then, and it may be called again.
    """

    @property
    def path(self) -> Path:
        """Where it is."""
        ...

    def import_prompts(self, prompts: Iterable[Prompt]) -> ImportSummary:
        """Make the queue what the prompts file says: order, new prompts, removed ones."""
        ...

    def progress(self, annotator: str) -> Progress:
        """Where the annotator stands in the queue."""
        ...

    def group(self, group_id: int, annotator: str) -> Group:
        """One group with its responses and what this annotator made of it so far."""
        ...

    def next_undecided(self, annotator: str, after: int) -> int | None:
        """The id of the first undecided group behind position `after`, then of the first of all."""
        ...

    def next_skipped(self, annotator: str, after: int) -> int | None:
        """The id of the first skipped group behind position `after`."""
        ...

    def group_at(self, position: int) -> int | None:
        """The id of the group at a position of the queue; None behind its ends."""
        ...

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
        ...

    def tags(self, after: int) -> Bite[str]:
        """The tags of the groups behind position `after`, each once."""
        ...

    def find_name(self, name: str, after: int) -> Bite[int]:
        """The group behind position `after` whose prompt has this `id` in the prompts file."""
        ...

    def search(self, query: Query, after: int) -> Bite[Found]:
        """The texts behind position `after` that have what is searched for."""
        ...

    def search_group(self, query: Query, group_id: int) -> Sequence[Found]:
        """The texts of one group that have what is searched for."""
        ...

    def upcoming(self, annotator: str, start: int, limit: int) -> Sequence[Group]:
        """Undecided groups from position `start` on, in order, at most `limit`."""
        ...

    def add_response(
        self, group_id: int, set_no: int, slot: int, completion: Completion
    ) -> Response:
        """Store one ended attempt; in another slot if somebody has typed a response in this one."""
        ...

    def save_draft(self, group_id: int, annotator: str, draft: Draft) -> None:
        """Keep marks in progress."""
        ...

    def set_flag(self, group_id: int, annotator: str, *, flagged: bool) -> None:
        """Say whether the annotator wants to come back to a group."""
        ...

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
        """Store a response that was typed, with the draft in which it has its mark.

        It gets `slot`, or a higher one that is free. `draft_with` is asked once for the draft, with
        the slot that it got. The text that `keep_text` kept `about` the same is forgotten.
        """
        ...

    def keep_text(self, group_id: int, annotator: str, about: int, text: str) -> None:
        """Keep what is being typed; empty text is forgotten.

        `about` is the id of the response that is edited, 0 for one that is written from scratch.
        """
        ...

    def kept_text(self, group_id: int, annotator: str, about: int) -> str | None:
        """What was being typed last."""
        ...

    def decide(self, decision: Decision, region: Region | None) -> Decision:
        """Store a decision, drop the draft, and plan its region (unsettled until `settle`)."""
        ...

    def undo(self, annotator: str) -> tuple[Decision, Entry | None] | None:
        """Take back the annotator's newest decision that counts; its marks become the draft again.

        What counted for the group before counts again, and its marks are shown then. Returns the
        decision that was taken back and the entry of its region, unsettled now; None when there is
        nothing to undo.
        """
        ...

    def redo(self, annotator: str) -> Decision | None:
        """Let the decision that was taken back last count again; its region is unsettled then.

        A new decision in between ends this; None when there is nothing to redo.
        """
        ...

    def close(self) -> None:
        """Give the session free."""
        ...
