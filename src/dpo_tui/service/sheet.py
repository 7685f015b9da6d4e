"""What the screen shows of one group, as plain values: no widget has to know a rule."""

from __future__ import annotations

from msgspec import Struct

from dpo_tui.domain.model import Mark, Message, Origin, State, Verdict
from dpo_tui.service.live import Phase


class Twin(Struct, frozen=True):
    """A card that says nearly the same."""

    number: int
    """Its number."""
    similarity: float
    """0 to 1; 1 is the same but for white space."""


class Card(Struct, frozen=True):
    """One response, ended or on its way."""

    slot: int
    number: int
    """From 1, as the cards are shown."""
    mark: Mark | None
    """What the annotator has said so far; None is unmarked, which a confirm takes as rejected."""
    phase: Phase | None
    """Where it stands while it is on its way; None once it has ended."""
    state: State | None
    """How it ended; None while it is on its way."""
    usable: bool
    """Whether it can be a side of a pair; a response on its way is taken to become usable."""
    best: bool = False
    """Whether it was called the best of the chosen ones."""
    text: str = ""
    reasoning: str = ""
    note: str = ""
    """Why there is nothing to judge, or what it waits for; foreign text."""
    tokens: int | None = None
    """None while lengths are hidden too."""
    origin: Origin | None = None
    """Where it comes from; None while that is hidden, or it is on its way."""
    source: str = ""
    """Who made it and how, in words; empty while that is hidden; foreign text."""
    twin: Twin | None = None
    """The card before it that says the same, or nearly."""
    copies: int = 1
    """How many responses say the same, itself included."""
    folded: bool = False
    """Whether it is out of the way, as there is nothing in it to judge: unusable, or a copy."""


class Sheet(Struct, frozen=True):
    """One group as it is on the screen."""

    group_id: int
    position: int
    set_no: int
    set_index: int
    """0-based place of the set among those of the group."""
    set_count: int
    messages: tuple[Message, ...]
    name: str | None
    tags: tuple[str, ...]
    cards: tuple[Card, ...]
    """In the order in which they are shown."""
    verdict: Verdict | None = None
    """What was decided, if the group is decided already."""
    changed: bool = False
    """Whether marks, remarks or responses are others than those of the confirmed decision."""
    reference: str | None = None
    """The answer that the prompt brings to compare with."""
    flagged: bool = False
    tie: bool = False
    strength: int | None = None
    note: str = ""
    labels: tuple[str, ...] = ()
    known_labels: tuple[tuple[str, str], ...] = ()
    """What there is to choose from: name and meaning."""
    blind: bool = False
    """Whether sources are hidden."""
