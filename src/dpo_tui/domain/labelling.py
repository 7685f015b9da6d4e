"""The rules of labelling: what may be marked, what a confirm says, what undoing it brings back."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from msgspec.structs import replace

from dpo_tui.domain.marking import clear
from dpo_tui.domain.model import (
    Completion,
    Decision,
    Draft,
    Mark,
    Remarks,
    Response,
    Shelved,
    State,
)


def completion_state(text: str, finish_reason: str | None, *, whole: bool) -> State:
    """How a stream that raised no error ended.

    `finish_reason` is the server's word, if it gave one; `whole` says that the stream was closed as
    the protocol wants it, which is all that some servers tell.
    """
    if finish_reason in {"abort", "error"} or (finish_reason is None and not whole):
        return State.ABORTED
    if finish_reason == "content_filter":
        return State.FAILED
    if not text.strip():
        return State.EMPTY
    return State.CUT_OFF if finish_reason == "length" else State.COMPLETE


def is_usable(completion: Completion, *, allow_cut_off: bool) -> bool:
    """Whether a completion is real text that may become a side of a pair."""
    if completion.state is State.CUT_OFF:
        return allow_cut_off and bool(completion.text.strip())
    return completion.state is State.COMPLETE


def is_broken(completion: Completion) -> bool:
    """Whether there is no text to judge, so that trying again is what a person would want."""
    return completion.state in {State.EMPTY, State.FAILED, State.ABORTED}


def turn_to(draft: Draft, set_no: int) -> Draft:
    """The draft with another set on screen; what was made of the set that was there is kept.

    Note and labels are about the whole group: they come along.
    """
    shelved = {**draft.shelved, draft.set_no: Shelved(draft.marks, draft.remarks)}
    there = shelved.pop(set_no, Shelved())
    remarks = replace(there.remarks, note=draft.remarks.note, labels=draft.remarks.labels)
    return Draft(set_no, there.marks, shelved, remarks)


def clear_in(draft: Draft, set_no: int, slot: int) -> Draft:
    """The draft with nothing said of a slot of one of its sets, on screen or not."""
    return turn_to(clear(turn_to(draft, set_no), [slot]), draft.set_no)


def draft_of(decision: Decision, slots: Mapping[int, int]) -> Draft:
    """Labelling as it stood before a decision; what is rejected by it was unmarked then.

    `slots` says where the responses stand, by response id.
    """
    marks = {
        slots[response_id]: mark
        for response_id, mark in decision.marks.items()
        if mark is not Mark.REJECTED and response_id in slots
    }
    best = slots.get(decision.remarks.best) if decision.remarks.best is not None else None
    return Draft(decision.set_no, marks, remarks=replace(decision.remarks, best=best))


def final_marks(
    shown: Iterable[Response],
    draft: Draft,
    *,
    allow_cut_off: bool,
    copies: Container[int] = (),
) -> Mapping[int, Mark]:
    """What a confirm says of every response, by response id.

    Unmarked is rejected. Unusable is excluded, and so are the slots of `copies`: what repeats
    another response would count twice.
    """
    return {
        response.id: draft.marks.get(response.slot, Mark.REJECTED)
        if response.slot not in copies
        and is_usable(response.completion, allow_cut_off=allow_cut_off)
        else Mark.EXCLUDED
        for response in shown
    }


def final_remarks(shown: Iterable[Response], draft: Draft, marks: Mapping[int, Mark]) -> Remarks:
    """What a confirm says besides `marks`, its final ones; the best response by its id.

    How much better the chosen ones are is said only where there are others.
    """
    chosen = {each.slot: each.id for each in shown if marks[each.id] is Mark.CHOSEN}
    best = None if draft.remarks.best is None else chosen.get(draft.remarks.best)
    strength = draft.remarks.strength if chosen and Mark.REJECTED in marks.values() else None
    tie = draft.remarks.tie and len(chosen) > 1
    return replace(draft.remarks, best=best, tie=tie, strength=strength)
