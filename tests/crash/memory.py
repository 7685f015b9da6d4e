"""What a person who labels remembers, and what the session file has to say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from dpo_tui.domain.model import Group, Mark, Verdict

Marks: TypeAlias = tuple[Mark | None, ...]
"""By slot."""

_SYMBOLS = {Mark.CHOSEN: "✔", Mark.EXCLUDED: "✖", Mark.REJECTED: "○", None: "○"}
BEST = "★"


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of one set besides its marks."""

    best: int | None = None
    """Its slot."""
    tie: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """What was made of one group."""

    marks: tuple[Marks, ...]
    """Marks in progress of every set."""
    said: tuple[Said, ...]
    """The same besides the marks."""
    set_no: int = 1
    verdict: Verdict | None = None
    decided: Marks = ()
    """What a confirm made of the marks."""
    flagged: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """All that was done, as far as it can be undone or continued."""

    works: tuple[Work, ...]
    decisions: tuple[int, ...] = ()
    """Positions, in the order in which they were decided."""
    taken_back: tuple[tuple[int, Work], ...] = ()
    """Positions and what was made of them, in the order in which it was taken back."""
    at: int | None = 0
    """The position on screen."""

    @classmethod
    def of_nothing(cls, groups: int, n: int) -> Memory:
        """Before the first key."""
        return cls((Work(((None,) * n,), (Said(),)),) * groups)

    @property
    def work(self) -> Work:
        """The group on screen."""
        assert self.at is not None
        return self.works[self.at]

    @property
    def shown(self) -> Marks:
        """The marks on screen."""
        return self.work.marks[self.work.set_no - 1]

    @property
    def said(self) -> Said:
        """What was said of the set on screen."""
        return self.work.said[self.work.set_no - 1]

    @property
    def symbols(self) -> str:
        """The marks as they are painted."""
        symbols = [_SYMBOLS[mark] for mark in self.shown]
        if self.said.best is not None:
            symbols[self.said.best] = BEST
        return "".join(symbols)

    def reopened(self) -> Memory:
        """After a restart."""
        return replace(self, at=self._next(-1))

    def toggled(self, slot: int, mark: Mark) -> Memory:
        """After a response was marked, or unmarked."""
        marks = list(self.shown)
        marks[slot] = None if marks[slot] is mark else mark
        said = self.said
        if said.best is not None and marks[said.best] is not Mark.CHOSEN:
            said = replace(said, best=None)
        if marks.count(Mark.CHOSEN) < 2:
            said = replace(said, tie=False)
        return self._with_set(tuple(marks), said)

    def all_marked(self, mark: Mark) -> Memory:
        """After every response but the excluded ones was marked; or unmarked, if all were."""
        open_ = [slot for slot, each in enumerate(self.shown) if each is not Mark.EXCLUDED]
        new = None if all(self.shown[slot] is mark for slot in open_) else mark
        marks = tuple(new if slot in open_ else each for slot, each in enumerate(self.shown))
        kept = marks.count(Mark.CHOSEN)
        best = self.said.best if kept else None
        return self._with_set(marks, Said(best, tie=self.said.tie and kept > 1))

    def with_best(self, slot: int) -> Memory:
        """After a response was called the best, or that was taken back."""
        if self.said.best == slot:
            return self._with_set(self.shown, replace(self.said, best=None))
        marks = list(self.shown)
        marks[slot] = Mark.CHOSEN
        return self._with_set(tuple(marks), Said(best=slot))

    def with_tie(self) -> Memory:
        """After the chosen ones were called equal, or that was taken back."""
        return self._with_set(self.shown, Said(tie=not self.said.tie))

    def with_flag(self) -> Memory:
        """After the group was flagged, or that was taken back."""
        return self._with(replace(self.work, flagged=not self.work.flagged))

    def confirmed(self) -> Memory:
        """After the group was confirmed."""
        decided = tuple(mark or Mark.REJECTED for mark in self.shown)
        return self._decided(replace(self.work, verdict=Verdict.CONFIRMED, decided=decided))

    def skipped(self) -> Memory:
        """After the group was left out."""
        return self._decided(replace(self.work, verdict=Verdict.SKIPPED))

    def undone(self) -> Memory:
        """After the last decision was taken back: its set has its marks, other sets none.

        What was skipped is as it was before.
        """
        *rest, position = self.decisions
        work = self.works[position]
        taken_back = (*self.taken_back, (position, work))
        before = replace(self, decisions=tuple(rest), taken_back=taken_back, at=position)
        if work.verdict is Verdict.SKIPPED:
            return before._with(replace(work, verdict=None))
        nothing: Marks = (None,) * len(work.marks[0])
        marks = [nothing] * len(work.marks)
        marks[work.set_no - 1] = tuple(
            None if mark is Mark.REJECTED else mark for mark in work.decided
        )
        said = [Said()] * len(marks)
        said[work.set_no - 1] = work.said[work.set_no - 1]
        work = Work(tuple(marks), tuple(said), work.set_no, flagged=work.flagged)
        return before._with(work)

    def redone(self) -> Memory:
        """After the decision that was taken back last was brought back."""
        *rest, (position, work) = self.taken_back
        now = replace(self, at=position)
        if work.verdict is Verdict.SKIPPED:
            skipped = replace(now.work, verdict=work.verdict)
            return replace(now._decided(skipped), taken_back=tuple(rest))
        said = list(now.work.said)
        said[work.set_no - 1] = work.said[work.set_no - 1]
        again = replace(
            now.work,
            said=tuple(said),
            set_no=work.set_no,
            verdict=work.verdict,
            decided=work.decided,
        )
        return replace(now._decided(again), taken_back=tuple(rest))

    def regenerated(self) -> Memory:
        """After a new set was asked for."""
        marks = (*self.work.marks, (None,) * len(self.shown))
        said = (*self.work.said, Said())
        return self._with(replace(self.work, marks=marks, said=said, set_no=len(marks)))

    def turned(self) -> Memory:
        """After turning to the set before, or from the first one to the newest."""
        return self._with(replace(self.work, set_no=(self.work.set_no - 1) or len(self.work.marks)))

    def _decided(self, work: Work) -> Memory:
        assert self.at is not None
        after = self._with(work)
        decisions = (*self.decisions, self.at)
        return replace(after, decisions=decisions, taken_back=(), at=after._next(self.at))

    def _with_set(self, marks: Marks, said: Said) -> Memory:
        place = self.work.set_no - 1
        sets, all_said = list(self.work.marks), list(self.work.said)
        sets[place], all_said[place] = marks, said
        return self._with(replace(self.work, marks=tuple(sets), said=tuple(all_said)))

    def _with(self, work: Work) -> Memory:
        works = [work if position == self.at else each for position, each in enumerate(self.works)]
        return replace(self, works=tuple(works))

    def _next(self, after: int) -> int | None:
        left = [position for position, each in enumerate(self.works) if each.verdict is None]
        return next((each for each in left if each > after), left[0] if left else None)

    def is_told_by(self, groups: Sequence[Group]) -> bool:
        """Whether the session file says the same."""
        newest = [
            group.position
            for group in sorted(groups, key=lambda each: each.decision.id if each.decision else 0)
            if group.decision
        ]
        return tuple(newest) == self.decisions and all(map(_agree, self.works, groups))


def _agree(work: Work, group: Group) -> bool:
    if work.flagged != group.flagged:
        return False
    if group.decision:
        slots = {each.id: each.slot for each in group.responses}
        decided = {slots[each]: mark for each, mark in group.decision.marks.items()}
        remarks = group.decision.remarks
        best = None if remarks.best is None else slots[remarks.best]
        if work.verdict is Verdict.SKIPPED:  # whatever set was on screen then
            return (group.decision.verdict, decided) == (Verdict.SKIPPED, {})
        return (
            group.decision.verdict,
            group.decision.set_no,
            decided,
            Said(best, remarks.tie),
        ) == (
            work.verdict,
            work.set_no,
            dict(enumerate(work.decided)),
            work.said[work.set_no - 1],
        )
    draft = group.draft
    shelved = {number: (each.marks, each.remarks) for number, each in draft.shelved.items()}
    sets = {draft.set_no: (draft.marks, draft.remarks), **shelved}
    marked = {number: dict(marks) for number, (marks, _) in sets.items() if marks}
    said = {number: Said(each.best, each.tie) for number, (_, each) in sets.items()}
    return (work.verdict, work.set_no, _marked(work)) == (None, draft.set_no, marked) and all(
        said.get(number, Said()) == each for number, each in enumerate(work.said, 1)
    )


def _marked(work: Work) -> dict[int, dict[int, Mark]]:
    """Every set that has marks, and which."""
    sets = {
        number: {slot: mark for slot, mark in enumerate(marks) if mark}
        for number, marks in enumerate(work.marks, 1)
    }
    return {number: marks for number, marks in sets.items() if marks}
