"""What each key makes of a draft: marks, and what is remarked besides them.

A remark never outlives what it is about: the best one is chosen, and a tie is one of several.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace

from dpo_tui.domain.model import Draft, Mark

STRENGTHS = (None, 1, 2, 3)


def toggle(draft: Draft, slot: int, mark: Mark) -> Draft:
    """The draft after the person pressed the key of `mark` on a slot's response.

    Pressed on a response that has this mark already, it takes it away.
    """
    marks = dict(draft.marks)
    if marks.get(slot) is mark:
        del marks[slot]
    else:
        marks[slot] = mark
    return with_marks(draft, marks)


def clear(draft: Draft, slots: Collection[int]) -> Draft:
    """The draft after the responses of these slots were given up for other ones."""
    return with_marks(
        draft, {slot: mark for slot, mark in draft.marks.items() if slot not in slots}
    )


def mark_all(draft: Draft, slots: Sequence[int], mark: Mark) -> Draft:
    """All of these slots with one mark; if all have it already, without any.

    Excluded ones stay excluded.
    """
    open_ = [slot for slot in slots if draft.marks.get(slot) is not Mark.EXCLUDED]
    if all(draft.marks.get(slot) is mark for slot in open_):
        return clear(draft, open_)
    return with_marks(draft, {**draft.marks, **dict.fromkeys(open_, mark)})


def toggle_tie(draft: Draft, slots: Sequence[int]) -> Draft | None:
    """The draft in which the chosen ones are equally good; of a tie, the draft without it.

    When none is chosen, all of `slots` are first. None if a single one is: it has no equal.
    """
    if draft.remarks.tie:
        return replace(draft, remarks=replace(draft.remarks, tie=False))
    if not chosen(draft):
        draft = mark_all(draft, slots, Mark.CHOSEN)
    if len(chosen(draft)) < 2:
        return None
    return replace(draft, remarks=replace(draft.remarks, tie=True, best=None))


def toggle_best(draft: Draft, slot: int) -> Draft:
    """The draft in which a slot's response is chosen and the best one; of the best, without."""
    if draft.remarks.best == slot:
        return replace(draft, remarks=replace(draft.remarks, best=None))
    remarks = replace(draft.remarks, best=slot, tie=False)
    return replace(draft, marks={**draft.marks, slot: Mark.CHOSEN}, remarks=remarks)


def next_strength(draft: Draft) -> Draft:
    """The draft with the next one of STRENGTHS, behind the last the first."""
    following = STRENGTHS.index(draft.remarks.strength) + 1
    strength = STRENGTHS[following % len(STRENGTHS)]
    return replace(draft, remarks=replace(draft.remarks, strength=strength))


def annotate(draft: Draft, note: str, labels: Sequence[str]) -> Draft:
    """The draft with another note and other labels, each of them once."""
    remarks = replace(draft.remarks, note=note, labels=tuple(dict.fromkeys(labels)))
    return replace(draft, remarks=remarks)


def unite(draft: Draft, copies: Mapping[int, int]) -> Draft:
    """The draft with what was said of copies said of the responses that stand for them.

    `copies` has the slot of that one by the slot of each copy. What was said of it itself wins.
    """
    said = {slot: mark for slot, mark in draft.marks.items() if slot not in copies}
    for copy, slot in copies.items():
        mark = draft.marks.get(copy)
        # An excluded copy may be one because it is a copy.
        if mark is not None and mark is not Mark.EXCLUDED:
            said.setdefault(slot, mark)
    best = draft.remarks.best
    if best is not None and best in copies:
        draft = replace(draft, remarks=replace(draft.remarks, best=copies[best]))
    return with_marks(draft, said)


def with_marks(draft: Draft, marks: Mapping[int, Mark]) -> Draft:
    """The draft with other marks, and without the remarks that they make void."""
    draft = replace(draft, marks=marks)
    remarks, good = draft.remarks, chosen(draft)
    return replace(
        draft,
        remarks=replace(
            remarks,
            best=remarks.best if remarks.best in good else None,
            tie=remarks.tie and len(good) > 1,
        ),
    )


def chosen(draft: Draft) -> list[int]:
    """The slots of the chosen ones."""
    return [slot for slot, mark in draft.marks.items() if mark is Mark.CHOSEN]
