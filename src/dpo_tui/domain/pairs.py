"""From marks to preference pairs, and the guard that keeps the dataset clean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import partial
from hashlib import blake2b
from itertools import chain, product
from typing import NamedTuple

from msgspec import Struct

from dpo_tui.domain.judged import Answer, Judged, judged
from dpo_tui.domain.model import Mark, Message, Pair, Prompt, Remarks, Response, State

# Looked up once, and made without a call in between: exports go through millions.
_pair = partial(tuple.__new__, Pair)
_CHOSEN, _REJECTED, _COMPLETE = Mark.CHOSEN, Mark.REJECTED, State.COMPLETE

IDENTICAL = "identical"
SAME_WORDS = "differ in white space only"
EMPTY = "empty"
REPEATED = "repeated"


class PairPolicy(Struct, frozen=True):
    """Which of a group's chosen x rejected combinations become pairs.

    Where it has to take some of several, it draws lots: by the seed and the texts, so that the same
    group always gives the same pairs, whatever else there is.
    """

    best_only: bool = False
    """The best chosen response alone is set against the rejected ones; if none was said to be the
    best, one of the chosen is drawn."""
    limit: int | None = None
    """At most so many pairs a group."""
    best_over_chosen: bool = False
    """The best response is also set against the other chosen ones."""
    allow_cut_off: bool = True
    """Whether a response that hit the token limit may be a side of a pair."""
    seed: int = 0

    def told(self, unit: Unit) -> str:
        """What it takes of a group, in the words of a person."""
        which = "the best" if self.best_only else "every chosen response"
        drawn = " (drawn by lot where none was said to be the best)" if self.best_only else ""
        if unit is not Unit.PAIR:
            return f"{which}{drawn}" + (" and every rejected one" if unit is Unit.RATING else "")
        limit = "" if self.limit is None else f", at most {self.limit} of them, drawn by lot"
        more = "; the best against the other chosen ones too" if self.best_over_chosen else ""
        return f"{which}{drawn} against every rejected one{limit}{more}"


def pair_policy(word: str | int) -> PairPolicy:
    """The policy that a word stands for: `all`, `best`, `one`, or a number for at most so many.

    Raises:
        ValueError: it stands for none.
    """
    if word == "all":
        return PairPolicy()
    if word in {"best", "one"}:
        return PairPolicy(best_only=True, limit=1 if word == "one" else None)
    if not str(word).isdecimal() or int(word) < 1:
        raise ValueError(f"{word!r} is none of all, best, one, or a number")
    return PairPolicy(limit=int(word))


class Unit(StrEnum):
    """What one row of a dataset is made of."""

    PAIR = "pair"
    RATING = "rating"
    """One response that is good or bad, as unpaired trainers read it."""
    GOOD = "good response"


class Rating(NamedTuple):
    """One response to one prompt that is good (chosen) or bad (rejected)."""

    messages: tuple[Message, ...]
    text: str
    is_good: bool


Example = Pair | Rating
"""What a row of a dataset is made of."""


class Dropped(Struct, frozen=True):
    """A combination that the guard kept out of the dataset."""

    chosen_id: int
    rejected_id: int
    reason: str


class Matching(NamedTuple):
    """What the answers of a confirmed group are set against one another as."""

    pairs: tuple[tuple[Answer, Answer], ...]
    """The better one first."""
    dropped: tuple[Dropped, ...]
    spared: int = 0
    """Combinations of chosen and rejected ones that the policy did not take."""


class Rated(NamedTuple):
    """What of the answers of a confirmed group is good or bad by itself."""

    answers: tuple[Answer, ...]
    spared: int = 0
    """Chosen ones that the policy did not take."""


class Pairing(Struct, frozen=True):
    """What a confirmed group gives."""

    pairs: tuple[Pair, ...]
    dropped: tuple[Dropped, ...]
    ratings: tuple[Rating, ...] = ()

    def examples(self, unit: Unit) -> Sequence[Example]:
        """What the rows of a dataset are made of."""
        if unit is Unit.PAIR:
            return self.pairs
        return [each for each in self.ratings if unit is Unit.RATING or each.is_good]


def make_pairs(
    prompt: Prompt,
    shown: Sequence[Response],
    marks: Mapping[int, Mark],
    remarks: Remarks | None = None,
    policy: PairPolicy | None = None,
) -> Pairing:
    """What a confirm gives, in the order of `shown`; by default every chosen x every rejected."""
    group = judged(prompt, shown, marks, remarks or Remarks())
    matching = match(group, policy or PairPolicy())
    return Pairing(
        tuple(pairs_of(group, matching.pairs)),
        matching.dropped,
        tuple(rating_of(group, each) for each in rate(group, policy or PairPolicy()).answers),
    )


def pairs_of(group: Judged, combinations: Iterable[tuple[Answer, Answer]]) -> list[Pair]:
    """The pairs of answers, each the better and the worse one."""
    messages, strength = group.messages, group.remarks.strength
    return [_pair((messages, better.text, worse.text, strength)) for better, worse in combinations]


def rating_of(group: Judged, answer: Answer) -> Rating:
    """What is said of one answer."""
    return Rating(group.messages, answer.text, answer.mark is Mark.CHOSEN)


def match(group: Judged, policy: PairPolicy) -> Matching:
    """The pairs of a group that pass the guard, and of these the ones that the policy takes.

    A combination that has an unusable or empty side is dropped, one whose sides are equal or differ
    in white space only, and one that repeats an earlier pair of the group.
    """
    good: dict[tuple[str, str], tuple[Answer, Answer]] = {}
    dropped: list[Dropped] = []
    chosen, rejected = _sides(group, policy)
    problems = {
        each.id: _problem(each, policy)
        for each in group.answers
        if each.state is not _COMPLETE or not each.text
    }
    combinations: Iterable[tuple[Answer, Answer]] = product(chosen, rejected)
    if policy.best_over_chosen:
        combinations = chain(combinations, _over_chosen(group))
    for combination in combinations:
        better, worse = combination
        sides = better.text, worse.text
        reason = flaw(*sides)
        if problems:
            reason = problems.get(better.id) or problems.get(worse.id) or reason
        if reason or sides in good:
            dropped.append(Dropped(better.id, worse.id, reason or REPEATED))
        else:
            good[sides] = combination
    taken = tuple(good.values())
    if policy.limit is not None and len(taken) > policy.limit:
        taken = _drawn(group, taken, policy)
    spared = len(good) - len(taken)
    if policy.best_only:
        every = [each for each in group.answers if each.mark is _CHOSEN]
        spared += (len(every) - len(chosen)) * len(rejected)
    return Matching(taken, tuple(dropped), spared)


def rate(group: Judged, policy: PairPolicy) -> Rated:
    """The answers that are good or bad examples by themselves, equal ones once.

    Of texts that were both chosen and rejected nothing is said. With `best_only`, only the best
    chosen one is good, and the other chosen ones are left out.
    """
    chosen, rejected = _sides(group, policy)
    unclear = {each.text for each in chosen} & {each.text for each in rejected}
    rated: dict[str, Answer] = {}
    for each in (*chosen, *rejected):
        if each.text not in unclear and not _problem(each, policy):
            rated.setdefault(each.text, each)
    spared = sum(each.mark is _CHOSEN for each in group.answers) - len(chosen)
    return Rated(tuple(rated.values()), spared)


def _sides(group: Judged, policy: PairPolicy) -> tuple[list[Answer], list[Answer]]:
    """What is set against what."""
    chosen = [each for each in group.answers if each.mark is _CHOSEN]
    rejected = [each for each in group.answers if each.mark is _REJECTED]
    if policy.best_only and len(chosen) > 1:
        usable = [each for each in chosen if not _problem(each, policy)] or chosen
        chosen = [_best(group, usable) or min(usable, key=lambda each: _lot(group, policy, each))]
    return chosen, rejected


def _over_chosen(group: Judged) -> Iterator[tuple[Answer, Answer]]:
    """The best against the other chosen ones."""
    chosen = [each for each in group.answers if each.mark is _CHOSEN]
    if best := _best(group, chosen):
        yield from ((best, each) for each in chosen if each is not best)


def _best(group: Judged, chosen: Sequence[Answer]) -> Answer | None:
    """The one that was said to be the best; a tie has none."""
    if group.remarks.tie:
        return None
    return next((each for each in chosen if each.id == group.remarks.best), None)


def _drawn(
    group: Judged, pairs: tuple[tuple[Answer, Answer], ...], policy: PairPolicy
) -> tuple[tuple[Answer, Answer], ...]:
    """As many as the policy allows, in the order that they had; those over rejected ones first."""

    def rank(index: int) -> tuple[bool, bytes]:
        better, worse = pairs[index]
        return worse.mark is Mark.CHOSEN, _lot(group, policy, better, worse)

    kept = sorted(sorted(range(len(pairs)), key=rank)[: policy.limit])
    return tuple(pairs[each] for each in kept)


def _lot(group: Judged, policy: PairPolicy, *answers: Answer) -> bytes:
    words = "\0".join((str(policy.seed), group.key, *(each.text for each in answers)))
    return blake2b(words.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _problem(answer: Answer, policy: PairPolicy) -> str:
    """Why an answer can't be a side of a pair; empty if it can."""
    state = answer.state
    if state is State.COMPLETE or (state is State.CUT_OFF and policy.allow_cut_off):
        return "" if answer.text else EMPTY
    return state.value


def flaw(one: str, other: str) -> str:
    """Why two texts, as the dataset carries them, are no preference; empty if they are."""
    if one == other:
        return IDENTICAL
    if not one or not other:
        return EMPTY
    # They are stripped, so those that differ in white space only have these in common.
    same_ends = one[0] == other[0] and one[-1] == other[-1]
    return SAME_WORDS if same_ends and one.split() == other.split() else ""
