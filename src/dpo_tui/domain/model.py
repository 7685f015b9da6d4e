"""The words of the project as types: prompt, group, response, mark, decision, pair.

All of them are values: frozen, compared by content, free of I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from hashlib import sha256
from json.encoder import encode_basestring_ascii
from typing import Literal, NamedTuple, TypeVar

from msgspec import Struct, field

Role = Literal["system", "user", "assistant"]

MIN_RESPONSES = 2
MAX_RESPONSES = 20


_T = TypeVar("_T")


def _first(own: _T | None, default: _T | None) -> _T | None:
    return default if own is None else own


class Message(Struct, frozen=True, forbid_unknown_fields=True):
    """One turn of a conversation. Read, it is nothing that has more in it: that would get lost."""

    role: Role
    content: str


class Sampling(Struct, frozen=True):
    """How responses are sampled. `None` leaves the choice to the server: the field isn't sent."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    """Response i of a set is sampled with `seed + i`, which is what servers do inside `n`."""
    stop: tuple[str, ...] = ()
    extra: Mapping[str, object] = field(default_factory=dict)
    """Anything else that goes into the request body as it is (`min_p`, `top_k`, ...)."""

    def over(self, default: Sampling) -> Sampling:
        """These settings, and where they are silent those of `default`."""
        return Sampling(
            temperature=_first(self.temperature, default.temperature),
            top_p=_first(self.top_p, default.top_p),
            max_tokens=_first(self.max_tokens, default.max_tokens),
            seed=_first(self.seed, default.seed),
            stop=self.stop or default.stop,
            extra={**default.extra, **self.extra},
        )


class Ready(NamedTuple):
    """A ready-made response, as a file has it."""

    text: str
    model: str | None = None
    """Who made it, if the file says."""


class Preference(NamedTuple):
    """What somebody has said of a prompt's ready-made responses before they came here."""

    marks: Mapping[int, Mark]
    """By index in `Prompt.responses`, `chosen` or `rejected`; empty for a tie."""
    strength: int | None = None
    """How much better the chosen ones are, if the file says: 1 (slightly) to 3 (much)."""
    by: str = ""
    """Who said it, where a file has the word of several."""


class PreferenceUse(StrEnum):
    """What becomes of the preferences that a prompts file has."""

    IGNORE = "ignore"
    SUGGEST = "suggest"
    """The annotator sees them as marks that can be changed."""
    DECIDE = "decide"
    """They are decisions of an annotator who is named after the file."""


class Prompt(NamedTuple):
    """What the model is asked: an optional system message, then turns that end with a user turn."""

    messages: tuple[Message, ...]
    name: str | None = None
    """The `id` that the prompts file gives it, for people; identity is `key`."""
    tags: tuple[str, ...] = ()
    n: int | None = None
    """How many responses this prompt gets; `None` takes the session's setting."""
    sampling: Sampling = Sampling()
    """What this prompt overrides of the session's sampling."""
    temperatures: tuple[float, ...] = ()
    """In place of `sampling.temperature`, a list that is spread over the responses."""
    responses: tuple[Ready, ...] = ()
    """Ready-made responses. A prompt that has some is not sent to a server."""
    reference: str | None = None
    """An answer to compare the responses with; never a side of a pair."""
    preferences: tuple[Preference, ...] = ()
    """What the file says of them."""

    @property
    def key(self) -> str:
        """The prompt's identity: 32 hex digits of a hash of its messages and nothing else.

        It survives reordering and re-tagging in the prompts file, and every change of a setting.
        """
        # As `json.dumps` writes it, several times as quick: a file can have a million prompts.
        # ASCII escaping also gives lone surrogates, which UTF-8 has no bytes for, a stable form.
        turns = [
            f'["{each.role}", {encode_basestring_ascii(each.content)}]' for each in self.messages
        ]
        return sha256(f"[{', '.join(turns)}]".encode("ascii")).hexdigest()[:32]

    @property
    def system(self) -> str | None:
        """The system message, if there is one."""
        first = self.messages[0]
        return first.content if first.role == "system" else None

    @property
    def turns(self) -> tuple[Message, ...]:
        """The conversation without its system message."""
        return self.messages[1:] if self.messages[0].role == "system" else self.messages


class State(StrEnum):
    """How an attempt at a response ended."""

    COMPLETE = "complete"
    CUT_OFF = "cut off"
    """The server stopped at a token limit: real text, but without its end."""
    EMPTY = "empty"
    """Nothing, or nothing but white space."""
    FAILED = "failed"
    """An error; `Completion.error` says which."""
    ABORTED = "aborted"
    """The server or the connection gave up in the middle."""


class Origin(StrEnum):
    """Where a response comes from."""

    MODEL = "model"
    READY = "ready-made"
    EDITED = "edited"
    WRITTEN = "written"


class Source(Struct, frozen=True):
    """Who made a response, and how."""

    origin: Origin
    endpoint: str | None = None
    """Base URL of the server; never a key."""
    model: str | None = None
    sampling: Sampling | None = None
    """What was sent, the response's own seed included."""
    edited_from: int | None = None
    """Id of the response that an edited one began as."""


class Completion(Struct, frozen=True):
    """One attempt at a response, ended in whatever way."""

    text: str
    """Exactly as the model wrote it, reasoning kept apart."""
    state: State
    source: Source
    reasoning: str = ""
    finish_reason: str | None = None
    error: str = ""
    """Why there is no usable text, for a person; empty unless failed or aborted."""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    first_token_seconds: float | None = None
    """From the request to the first token, queueing included."""
    seconds: float | None = None
    """From the request to the end."""


class Response(Struct, frozen=True):
    """A completion in its place: one card of a group."""

    id: int
    group_id: int
    set_no: int
    """1 for the first set of responses; regenerating a group makes the next one."""
    slot: int
    """0-based place in the set. The newest attempt at a slot is the one that counts."""
    completion: Completion


class Mark(StrEnum):
    """What the annotator says of one response."""

    CHOSEN = "chosen"
    REJECTED = "rejected"
    EXCLUDED = "excluded"


class Verdict(StrEnum):
    """What the annotator says of one group."""

    CONFIRMED = "confirmed"
    SKIPPED = "skipped"


class Remarks(Struct, frozen=True):
    """What the annotator says of one set besides the marks."""

    tie: bool = False
    """Whether the chosen ones are equally good."""
    best: int | None = None
    """The best of the chosen ones: its slot in a draft, its response id in a decision."""
    strength: int | None = None
    """How much better the chosen ones are than the rejected: 1 slightly, 2 clearly, 3 by far."""
    note: str = ""
    """Free text."""
    labels: tuple[str, ...] = ()
    """Names out of the `[labels]` of the prompts file, say why it was decided so."""


class Decision(Struct, frozen=True):
    """A verdict on a group: immutable once it is on disk."""

    group_id: int
    annotator: str
    verdict: Verdict
    set_no: int
    marks: Mapping[int, Mark]
    """By response id, one for every response of the set that was shown; empty when skipped."""
    order: tuple[int, ...]
    """Response ids as the cards were shown, top to bottom."""
    pair_count: int
    """How many pairs it put into the dataset."""
    decided_at: float
    """Unix time in seconds."""
    seconds: float
    """How long the group was worked on before the verdict."""
    id: int = 0
    """Given by the store."""
    remarks: Remarks = Remarks()


class Shelved(Struct, frozen=True):
    """What was made of a set that isn't on screen."""

    marks: Mapping[int, Mark] = field(default_factory=dict)
    """By slot."""
    remarks: Remarks = Remarks()


class Draft(Struct, frozen=True):
    """Labelling in progress on a group that isn't decided yet."""

    set_no: int = 1
    marks: Mapping[int, Mark] = field(default_factory=dict)
    """By slot, so that a response can be marked while it still streams; unmarked, which a confirm
    takes as rejected, has no entry."""
    shelved: Mapping[int, Shelved] = field(default_factory=dict)
    """The sets that are not on screen and that something was made of, by set."""
    remarks: Remarks = Remarks()


class Group(Struct, frozen=True):
    """One prompt with its responses: the unit that is shown, judged, skipped."""

    id: int
    position: int
    """0-based place in the queue; negative if the prompt is no longer in the prompts file."""
    prompt: Prompt
    responses: tuple[Response, ...] = ()
    """The newest attempt at every slot of every set, by set and slot."""
    draft: Draft = field(default_factory=Draft)
    decision: Decision | None = None
    """The one that counts now, if the group is decided."""
    flagged: bool = False
    """Whether the annotator wants to come back to it, decided or not."""

    def sets(self) -> list[int]:
        """The numbers of the sets that there are, the one on screen among them, in order."""
        stored = (each.set_no for each in self.responses)
        return sorted({self.draft.set_no, *self.draft.shelved, *stored})

    def shown(self) -> tuple[Response, ...]:
        """The responses of the set on screen."""
        return tuple(each for each in self.responses if each.set_no == self.draft.set_no)


class Pair(NamedTuple):
    """One chosen x one rejected response to one prompt, as the dataset carries it."""

    messages: tuple[Message, ...]
    chosen: str
    rejected: str
    strength: int | None = None
    """How much better the chosen one is, from 1 to 3, if that was said."""


class Progress(Struct, frozen=True):
    """Where a session stands."""

    total: int
    confirmed: int
    skipped: int
    pairs: int

    @property
    def left(self) -> int:
        """Groups without a verdict."""
        return self.total - self.confirmed - self.skipped


class ImportSummary(Struct, frozen=True):
    """What reading the prompts file changed in the session."""

    added: int = 0
    known: int = 0
    """Already in the session."""
    removed: int = 0
    """In the session, no longer in the prompts file: out of the queue, decisions kept."""
    duplicates: int = 0
    """Prompts that repeat an earlier one of the file and were merged with it."""
    changed: int = 0
    """Of the known ones, those whose settings, tags or ready-made responses are others now."""
    moved: int = 0
    """Of the known ones, those that were in the queue at another place."""
    returned: int = 0
    """Of the known ones, those that had been removed before."""
    judged: int = 0
    """Prompts whose responses the file has a preference for."""
    ties: int = 0
    """Of these, those where all that is said is that none is better."""
    preferred: int = 0
    """Preferences that became marks or decisions."""
    contradicted: int = 0
    """Marks that an earlier row had said otherwise."""
    kept_apart: int = 0
    """Preferences that, joined with earlier ones, would make pairs that nobody stated."""
