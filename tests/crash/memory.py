"""What a person who labels remembers, and what the session file has to say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from dpo_tui.domain.model import Group, Mark, Verdict

Marks: TypeAlias = tuple[Mark | None, ...]
"""By slot."""

_SYMBOLS = {Mark.CHOSEN: "✔", Mark.EXCLUDED: "✖", None: "○"}


@dataclass(frozen=True, slots=True)
class Work:
    """What was made of one group."""

    marks: tuple[Marks, ...]
    """Marks in progress of every set."""
    set_no: int = 1
    verdict: Verdict | None = None
    decided: Marks = ()
    """What a confirm made of the marks."""


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
        return cls((Work(((None,) * n,)),) * groups)

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
    def symbols(self) -> str:
        """The marks as they are painted."""
        return "".join(_SYMBOLS[mark] for mark in self.shown)

    def reopened(self) -> Memory:
        """After a restart."""
        return replace(self, at=self._next(-1))

    def toggled(self, slot: int, mark: Mark) -> Memory:
        """After a response was marked, or unmarked."""
        marks = list(self.shown)
        marks[slot] = None if marks[slot] is mark else mark
        return self._with_marks(self.work.set_no, tuple(marks))

    def confirmed(self) -> Memory:
        """After the group was confirmed."""
        decided = tuple(mark or Mark.REJECTED for mark in self.shown)
        return self._decided(replace(self.work, verdict=Verdict.CONFIRMED, decided=decided))

    def skipped(self) -> Memory:
        """After the group was left out."""
        return self._decided(replace(self.work, verdict=Verdict.SKIPPED))

    def undone(self) -> Memory:
        """After the last decision was taken back: its set has its marks, other sets none."""
        *rest, position = self.decisions
        work = self.works[position]
        taken_back = (*self.taken_back, (position, work))
        nothing: Marks = (None,) * len(work.marks[0])
        marks = [nothing] * len(work.marks)
        marks[work.set_no - 1] = tuple(
            None if mark is Mark.REJECTED else mark for mark in work.decided or nothing
        )
        work = Work(tuple(marks), work.set_no)
        before = replace(self, decisions=tuple(rest), taken_back=taken_back, at=position)
        return before._with(work)

    def redone(self) -> Memory:
        """After the decision that was taken back last was brought back."""
        *rest, (position, work) = self.taken_back
        now = replace(self, at=position)
        again = replace(now.work, set_no=work.set_no, verdict=work.verdict, decided=work.decided)
        return replace(now._decided(again), taken_back=tuple(rest))

    def regenerated(self) -> Memory:
        """After a new set was asked for."""
        marks = (*self.work.marks, (None,) * len(self.shown))
        return self._with(replace(self.work, marks=marks, set_no=len(marks)))

    def turned(self) -> Memory:
        """After turning to the set before, or from the first one to the newest."""
        return self._with(replace(self.work, set_no=(self.work.set_no - 1) or len(self.work.marks)))

    def _decided(self, work: Work) -> Memory:
        assert self.at is not None
        after = self._with(work)
        decisions = (*self.decisions, self.at)
        return replace(after, decisions=decisions, taken_back=(), at=after._next(self.at))

    def _with_marks(self, set_no: int, marks: Marks) -> Memory:
        sets = list(self.work.marks)
        sets[set_no - 1] = marks
        return self._with(replace(self.work, marks=tuple(sets)))

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
    if group.decision:
        slots = {each.id: each.slot for each in group.responses}
        decided = {slots[each]: mark for each, mark in group.decision.marks.items()}
        return (group.decision.verdict, group.decision.set_no, decided) == (
            work.verdict,
            work.set_no,
            dict(enumerate(work.decided)) if work.verdict is Verdict.CONFIRMED else {},
        )
    shelved = {number: each.marks for number, each in group.draft.shelved.items()}
    sets = {group.draft.set_no: group.draft.marks, **shelved}
    marked = {number: dict(marks) for number, marks in sets.items() if marks}
    return (work.verdict, work.set_no, _marked(work)) == (None, group.draft.set_no, marked)


def _marked(work: Work) -> dict[int, dict[int, Mark]]:
    """Every set that has marks, and which."""
    sets = {
        number: {slot: mark for slot, mark in enumerate(marks) if mark}
        for number, marks in enumerate(work.marks, 1)
    }
    return {number: marks for number, marks in sets.items() if marks}
