"""What the judgements of one prompt give for a dataset, by one annotator or by several."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from functools import partial
from typing import NamedTuple

from msgspec import Struct, field

from dpo_tui.domain.judged import Answer, Judged
from dpo_tui.domain.model import Mark
from dpo_tui.domain.pairs import (
    Example,
    PairPolicy,
    Unit,
    match,
    pairs_of,
    rate,
    rating_of,
)

AGREED = "said by another annotator too"
DISPUTED = "another annotator says the opposite"


class Taken(NamedTuple):
    """One example, and where it comes from."""

    example: Example
    group: Judged
    answers: tuple[Answer, ...]
    """The sides of a pair, the better one first; or the one that is rated."""
    weight: float = 1.0
    """One over the number of examples of its prompt."""


_taken = partial(tuple.__new__, Taken)
"""Quicker than `Taken` itself: exports go through millions."""


class Harvest(Struct):
    """What a prompt gives."""

    groups: Sequence[Judged]
    """As it was judged, once for each annotator."""
    taken: list[Taken] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    """Why a combination, or a response, was kept out, once for each."""
    spared: int = 0
    """Combinations that the policy did not take, or responses where these are rows."""

    @property
    def key(self) -> str:
        """The prompt's identity."""
        return self.groups[0].key

    def leave_out(self, objection: Callable[[Example], str]) -> None:
        """Drop what `objection` gives a reason for."""
        kept = []
        for each in self.taken:
            if reason := objection(each.example):
                self.dropped.append(reason)
            else:
                kept.append(each)
        self.taken = kept

    def weigh(self) -> None:
        """Tell every example its weight."""
        self.taken = [each._replace(weight=1 / len(self.taken)) for each in self.taken]

    def why_none(self) -> str:
        """Why a prompt gives nothing, in the words of a person."""
        marks = {each.mark for group in self.groups for each in group.answers}
        if self.dropped:
            return "nothing passed the guard"
        if Mark.CHOSEN not in marks:
            return "nothing was chosen"
        if any(group.remarks.tie for group in self.groups):
            return "a tie"
        return "nothing was rejected"


def harvest(groups: Sequence[Judged], unit: Unit, policy: PairPolicy) -> Harvest:
    """The examples that these judgements of the same prompt give.

    What several annotators say is taken once; where one says the opposite of another, neither
    counts.
    """
    found = Harvest(groups)
    for group in groups:
        if unit is Unit.PAIR:
            matching = match(group, policy)
            found.taken += [
                _taken((pair, group, sides, 1.0))
                for pair, sides in zip(pairs_of(group, matching.pairs), matching.pairs, strict=True)
            ]
            found.dropped += [each.reason for each in matching.dropped]
            found.spared += matching.spared
        else:
            rated = rate(group, policy)
            found.taken += [Taken(rating_of(group, each), group, (each,)) for each in rated.answers]
            found.spared += rated.spared
    said = {_claim(each, unit) for each in found.taken} if len(groups) > 1 else set()
    if unit is Unit.GOOD:
        found.taken = [each for each in found.taken if each.answers[0].mark is Mark.CHOSEN]
    if len(groups) > 1:
        _settle(found, unit, said)
    return found


def _settle(found: Harvest, unit: Unit, said: Container[tuple[object, ...]]) -> None:
    """Take what is said more than once once, and what is disputed not at all."""
    taken: dict[tuple[object, ...], Taken] = {}
    for each in found.taken:
        claim = _claim(each, unit)
        if _opposite(claim, unit) in said:
            found.dropped.append(DISPUTED)
        elif claim in taken:
            found.dropped.append(AGREED)
        else:
            taken[claim] = each
    found.taken = [*taken.values()]


def _claim(taken: Taken, unit: Unit) -> tuple[object, ...]:
    if unit is Unit.PAIR:
        return tuple(each.text for each in taken.answers)
    (answer,) = taken.answers
    return answer.text, answer.mark


def _opposite(claim: tuple[object, ...], unit: Unit) -> tuple[object, ...]:
    if unit is Unit.PAIR:
        return claim[::-1]
    text, mark = claim
    return text, Mark.REJECTED if mark is Mark.CHOSEN else Mark.CHOSEN
