"""From a group and what is on its way to what is seen of it."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from dpo_tui.domain.labelling import draft_of
from dpo_tui.domain.marking import unite
from dpo_tui.domain.model import Draft, Group, Mark, Origin, Response, Source, Verdict
from dpo_tui.service.arrangement import OWN, Arrangement
from dpo_tui.service.live import Live, Phase
from dpo_tui.service.sheet import Card, Sheet, Twin


class View(Struct, frozen=True):
    """What decides what is seen of a group."""

    waiting_note: str
    """Why nothing is sent for the responses that wait; empty when they will be."""
    hides_sources: bool
    hides_lengths: bool
    known_labels: tuple[tuple[str, str], ...] = ()
    """The labels that there are to choose from: name and meaning."""


def make_sheet(
    group: Group,
    arrangement: Arrangement,
    live: Mapping[int, Live],
    similar: Mapping[int, tuple[int, float]],
    view: View,
) -> Sheet:
    """Put together what is stored of a group and what is on its way.

    `similar` has, by slot, another one that says nearly the same, and how nearly (0 to 1).
    """
    draft = unite(group.draft, arrangement.copies)
    decided_marks = _decided_marks(group, live)
    making = _CardMaking(arrangement, live, similar, view, draft, decided_marks or {})
    sets = group.sets()
    remarks = draft.remarks
    return Sheet(
        group_id=group.id,
        position=group.position,
        set_no=draft.set_no,
        set_index=sets.index(draft.set_no),
        set_count=len(sets),
        messages=group.prompt.messages,
        name=group.prompt.name,
        tags=group.prompt.tags,
        cards=_told_apart([making.card(slot) for slot in arrangement.order]),
        verdict=group.decision.verdict if group.decision else None,
        changed=decided_marks is None,
        reference=group.prompt.reference,
        flagged=group.flagged,
        tie=remarks.tie,
        strength=remarks.strength,
        note=remarks.note,
        labels=remarks.labels,
        known_labels=view.known_labels,
        blind=view.hides_sources,
    )


def _told_apart(cards: Sequence[Card]) -> tuple[Card, ...]:
    """The cards; where all come from one source, that is no news. Typed ones tell it themselves."""
    if len({card.source for card in cards if card.source and card.origin not in OWN}) > 1:
        return tuple(cards)
    return tuple(replace(card, source="") for card in cards)


def source_text(source: Source) -> str:
    """Who made a response and how, in a few words; foreign text."""
    if source.origin in OWN:
        return source.origin.value
    temperature = source.sampling.temperature if source.sampling else None
    said = (
        source.model or source.origin.value,
        None if temperature is None else f"temperature {temperature:g}",
        source.endpoint,
    )
    return " · ".join(filter(None, said))


def _decided_marks(group: Group, live: Container[int]) -> Mapping[int, Mark] | None:
    """What the decision says of every slot; None if something else is on screen by now."""
    decision = group.decision
    if decision is None or decision.verdict is Verdict.SKIPPED:
        return {}
    slots = {each.id: each.slot for each in group.shown() if each.slot not in live}
    if group.draft != draft_of(decision, slots) or not decision.marks.keys() <= slots.keys():
        return None
    return {slots[each]: mark for each, mark in decision.marks.items()}


class _CardMaking(Struct, frozen=True):
    """What the cards of one group are made from."""

    arrangement: Arrangement
    live: Mapping[int, Live]
    similar: Mapping[int, tuple[int, float]]
    view: View
    draft: Draft
    decided_marks: Mapping[int, Mark]

    def card(self, slot: int) -> Card:
        """The card of a slot."""
        mark = self.draft.marks.get(slot, self.decided_marks.get(slot))
        response = self.arrangement.response(slot)
        if response is None:
            return self._live_card(slot, mark, self.live.get(slot) or Live())
        return self._ended_card(slot, mark, response)

    def _live_card(self, slot: int, mark: Mark | None, live: Live) -> Card:
        waits = live.phase is Phase.WAITING
        return Card(
            slot=slot,
            number=self.arrangement.number(slot),
            mark=mark,
            phase=live.phase,
            state=None,
            usable=True,
            best=self.draft.remarks.best == slot,
            text=live.text,
            reasoning=live.reasoning,
            note=self.view.waiting_note if waits else live.note,
        )

    def _ended_card(self, slot: int, mark: Mark | None, response: Response) -> Card:
        completion = response.completion
        is_usable = slot in self.arrangement.usable
        is_copy = slot in self.arrangement.copies
        is_seen = not self.view.hides_sources
        original = self.arrangement.copies.get(slot, slot)
        return Card(
            slot=slot,
            number=self.arrangement.number(slot),
            mark=mark if is_usable and not is_copy else Mark.EXCLUDED,
            phase=None,
            state=completion.state,
            usable=is_usable,
            best=self.draft.remarks.best == slot,
            text=completion.text,
            reasoning=completion.reasoning,
            note=completion.error,
            tokens=None if self.view.hides_lengths else completion.completion_tokens,
            # What the annotator has typed is nothing to be blind for.
            origin=_origin(completion.source, is_seen=is_seen),
            source=source_text(completion.source) if is_seen else "",
            twin=self._twin(slot),
            copies=1 + [*self.arrangement.copies.values()].count(original) if is_usable else 1,
            folded=is_copy or not is_usable,
        )

    def _twin(self, slot: int) -> Twin | None:
        if slot in self.arrangement.copies:
            return Twin(self.arrangement.number(self.arrangement.copies[slot]), 1.0)
        if slot in self.similar:
            twin, similarity = self.similar[slot]
            return Twin(self.arrangement.number(twin), similarity)
        return None


def _origin(source: Source, *, is_seen: bool) -> Origin | None:
    return source.origin if is_seen or source.origin in OWN else None
