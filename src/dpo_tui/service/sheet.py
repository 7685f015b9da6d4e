"""What the screen shows of one group, as plain values: no widget has to know a rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dpo_tui.domain.labelling import draft_of, is_usable
from dpo_tui.domain.model import Completion, Group, Mark, Message, State, Verdict
from dpo_tui.service.live import Live, Phase


@dataclass(frozen=True, slots=True)
class Card:
    """One response, ended or on its way."""

    slot: int
    mark: Mark | None
    """What the annotator has said so far; None is unmarked, which a confirm takes as rejected.
    Only a decision that still stands as it was made says `rejected`."""
    phase: Phase | None
    """Where it stands while it is on its way; None once it has ended."""
    state: State | None
    """How it ended; None while it is on its way."""
    usable: bool
    """Whether it can be a side of a pair; a response on its way is taken to become usable."""
    text: str = ""
    reasoning: str = ""
    note: str = ""
    """Why there is nothing to judge, or what it waits for; foreign text."""
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
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
    verdict: Verdict | None = None
    """What was decided, if the group is decided already."""


def make_sheet(
    group: Group, live: Mapping[int, Live], size: int, *, allow_cut_off: bool, waiting_note: str
) -> Sheet:
    """Put together what is stored of a group and what is on its way.

    `waiting_note` says why nothing is sent for the responses that wait; empty when they will be.
    """
    ended = {each.slot: each.completion for each in group.shown()}
    decided_marks = _decided_marks(group)
    cards = []
    for slot in range(size):
        mark = group.draft.marks.get(slot, decided_marks.get(slot))
        if slot in live or slot not in ended:
            cards.append(_live_card(slot, mark, live.get(slot) or Live(), waiting_note))
        else:
            usable = is_usable(ended[slot], allow_cut_off=allow_cut_off)
            cards.append(_ended_card(slot, mark, ended[slot], usable=usable))
    prompt = group.prompt
    sets = group.sets()
    return Sheet(
        group.id,
        group.position,
        group.draft.set_no,
        sets.index(group.draft.set_no),
        len(sets),
        prompt.messages,
        prompt.name,
        prompt.tags,
        tuple(cards),
        group.decision.verdict if group.decision else None,
    )


def _decided_marks(group: Group) -> Mapping[int, Mark]:
    """What the decision says of every slot, if nothing was marked otherwise since."""
    if group.decision is None:
        return {}
    slots = {each.id: each.slot for each in group.shown()}
    if group.draft != draft_of(group.decision, slots):
        return {}
    return {slots[each]: mark for each, mark in group.decision.marks.items() if each in slots}


def _live_card(slot: int, mark: Mark | None, live: Live, waiting_note: str) -> Card:
    return Card(
        slot=slot,
        mark=mark,
        phase=live.phase,
        state=None,
        usable=True,
        text=live.text,
        reasoning=live.reasoning,
        note=waiting_note if live.phase is Phase.WAITING else live.note,
    )


def _ended_card(slot: int, mark: Mark | None, completion: Completion, *, usable: bool) -> Card:
    return Card(
        slot=slot,
        mark=mark if usable else Mark.EXCLUDED,
        phase=None,
        state=completion.state,
        usable=usable,
        text=completion.text,
        reasoning=completion.reasoning,
        note=completion.error,
        tokens=completion.completion_tokens,
    )
