"""What `report` tells of a session: sums, pace, and signs of bias, as lines and for machines."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from math import sqrt
from typing import Any

from msgspec import Struct, to_builtins

from dpo_tui.domain.model import Mark, Origin, Progress
from dpo_tui.domain.statistics import Judged, Maker, Statistics
from dpo_tui.words import duration, plural

_NORMAL_95 = 1.96
"""Standard deviations to both sides of the mean that hold 95 % of a normal distribution."""
_ENOUGH = 20
"""Groups below which nothing is said about bias."""


class Share(Struct, frozen=True):
    """A share with its 95 % interval; all three from 0 to 1."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.0%} ({self.low:.0%} to {self.high:.0%})"


class SourceLine(Struct, frozen=True):
    """How the responses of one source fared."""

    name: str
    """Who made them, in words; foreign text."""
    chosen: int
    rejected: int
    excluded: int
    won: Share | None
    """Chosen among those that were chosen or rejected; None if there are none."""


def share(part: float, whole: float, observations: int) -> Share | None:
    """A share of counts; None if there is nothing to divide by.

    The interval is Wilson's for as many independent observations as are named: judgements of one
    group depend on each other, so that groups are counted and not responses or pairs.
    """
    if not whole or not observations:
        return None
    value = part / whole
    z2 = _NORMAL_95**2 / observations
    centre = (value + z2 / 2) / (1 + z2)
    reach = _NORMAL_95 / (1 + z2) * sqrt(value * (1 - value) / observations + z2 / observations / 4)
    return Share(value, max(0.0, centre - reach), min(1.0, centre + reach))


def progress_of(statistics: Statistics) -> Progress:
    """All people together."""
    each = statistics.people.values()
    return Progress(
        sum(one.total for one in each),
        sum(one.confirmed for one in each),
        sum(one.skipped for one in each),
        sum(one.pairs for one in each),
    )


def seconds_left(statistics: Statistics) -> float | None:
    """How long what is left takes at the median pace; None if nothing is left or decided."""
    left = progress_of(statistics).left
    pace = statistics.median_seconds
    return None if pace is None or not left else pace * left


def source_lines(statistics: Statistics) -> list[SourceLine]:
    """The sources, the most often chosen first."""
    names = _names(statistics.makers)
    lines = [_source_line(names[maker], each) for maker, each in statistics.makers.items()]
    return sorted(lines, key=lambda each: (-(each.won.value if each.won else 0), each.name))


def _source_line(name: str, judged: Judged) -> SourceLine:
    chosen, rejected = judged.marks[Mark.CHOSEN], judged.marks[Mark.REJECTED]
    won = share(chosen, chosen + rejected, judged.groups)
    return SourceLine(name, chosen, rejected, judged.marks[Mark.EXCLUDED], won)


def _names(makers: Collection[Maker]) -> dict[Maker, str]:
    """What to call each: only what tells them apart."""
    models = {each.model for each in makers}
    several_temperatures = len({(each.model, each.temperature) for each in makers}) > len(models)
    several_origins = len({(each.model, each.origin) for each in makers if each.model}) > len(
        models - {""}
    )
    several_endpoints = len({each.endpoint for each in makers if each.endpoint}) > 1
    names = {}
    for maker in makers:
        words = [maker.model or str(maker.origin)]
        if several_origins and maker.model:
            words.append(str(maker.origin))
        if several_temperatures and maker.temperature is not None:
            words.append(f"temperature {maker.temperature:g}")
        if several_endpoints and maker.endpoint:
            words.append(maker.endpoint)
        names[maker] = " · ".join(words)
    return names


def first_card(statistics: Statistics) -> tuple[Share, float] | None:
    """How often the first card was chosen, and how often it would be if places didn't matter."""
    first = statistics.first_card
    found = share(first.chosen, first.groups, first.groups)
    return None if found is None else (found, first.expected / first.groups)


def longer_chosen(statistics: Statistics) -> Share | None:
    """How often the chosen side of a pair is the longer one, of sides that are not as long."""
    lengths = statistics.lengths
    return share(lengths.longer, lengths.longer + lengths.shorter, lengths.groups)


def lines(statistics: Statistics) -> Iterator[tuple[str, str]]:
    """Label and value of every line but those about sources; foreign text."""
    together = progress_of(statistics)
    for name, each in statistics.people.items() or [("nobody yet", together)]:
        yield name, _progress(each)
    yield "pairs", _pairs(statistics, together.pairs)
    if statistics.median_seconds is not None:
        yield "time", " · ".join(_time(statistics))
    if statistics.chosen:
        yield "chosen", " · ".join(_chosen(statistics.chosen))
    if remarks := _remarks(statistics):
        yield "besides", " · ".join(remarks)
    if statistics.labels:
        said = (f"{name} {count:,}" for name, count in statistics.labels.most_common())
        yield "labels", " · ".join(said)
    yield from _bias(statistics)


def _progress(progress: Progress) -> str:
    done = progress.confirmed + progress.skipped
    return (
        f"{done:,} of {progress.total:,} groups: {progress.confirmed:,} confirmed, "
        f"{progress.skipped:,} skipped, {progress.left:,} left"
    )


def _pairs(statistics: Statistics, pairs: int) -> str:
    out = statistics.combinations - statistics.pairs
    return f"{pairs:,}" + (f" ({out:,} chosen x rejected left out)" if out > 0 else "")


def _time(statistics: Statistics) -> Iterator[str]:
    yield f"{duration(statistics.median_seconds or 0)} a group (median)"
    yield f"{duration(statistics.total_seconds)} in all"
    if (left := seconds_left(statistics)) is not None:
        yield f"about {duration(left)} for what is left"


def _chosen(chosen: Mapping[int, int]) -> Iterator[str]:
    for count, groups in sorted(chosen.items()):
        yield f"{count or 'none'} in {plural(groups, 'group')}"


def _remarks(statistics: Statistics) -> list[str]:
    own = {maker.origin: sum(judged.marks.values()) for maker, judged in statistics.makers.items()}
    counts = {
        "edited": own.get(Origin.EDITED, 0),
        "written": own.get(Origin.WRITTEN, 0),
        "of a later set": statistics.later_sets,
        "flagged": statistics.flagged,
        "ties": statistics.ties,
        "with a best one": statistics.bests,
        "with a note": statistics.notes,
    }
    counts |= {f"of strength {each}": statistics.strengths[each] for each in (1, 2, 3)}
    return [f"{count:,} {what}" for what, count in counts.items() if count]


def _bias(statistics: Statistics) -> Iterator[tuple[str, str]]:
    if found := first_card(statistics):
        seen, expected = found
        if statistics.first_card.groups < _ENOUGH:
            verdict = "too few groups to tell"
        elif seen.low <= expected <= seen.high:
            verdict = "no sign that its place matters"
        else:
            verdict = "its place matters"
        yield "first card", f"chosen {seen}; {expected:.0%} if places don't matter: {verdict}"
    if longer := longer_chosen(statistics):
        if statistics.lengths.groups < _ENOUGH:
            verdict = "too few groups to tell"
        elif longer.low <= 0.5 <= longer.high:
            verdict = "no sign that length matters"
        else:
            verdict = (
                "longer ones are preferred" if longer.low > 0.5 else "shorter ones are preferred"
            )
        yield "longer one", f"chosen {longer} of pairs that differ in length: {verdict}"


def as_json(statistics: Statistics) -> dict[str, Any]:
    """The same for machines."""
    together, found = progress_of(statistics), first_card(statistics)
    longer = longer_chosen(statistics)
    return {
        "session": str(statistics.path),
        "prompts": str(statistics.prompts_path) if statistics.prompts_path else None,
        "annotators": {
            name: {**to_builtins(each), "left": each.left}
            for name, each in statistics.people.items()
        },
        "confirmed": together.confirmed,
        "skipped": together.skipped,
        "left": together.left,
        "pairs": together.pairs,
        "combinations": statistics.combinations,
        "flagged": statistics.flagged,
        "seconds": {
            "median": statistics.median_seconds,
            "total": statistics.total_seconds,
            "left": seconds_left(statistics),
        },
        "chosen_per_group": {str(count): groups for count, groups in statistics.chosen.items()},
        "later_sets": statistics.later_sets,
        "ties": statistics.ties,
        "with_best": statistics.bests,
        "with_note": statistics.notes,
        "strengths": {str(each): count for each, count in statistics.strengths.items()},
        "labels": dict(statistics.labels),
        "sources": [to_builtins(each) for each in source_lines(statistics)],
        "first_card": found
        and {**to_builtins(found[0]), "expected": found[1], "groups": statistics.first_card.groups},
        "longer_chosen": longer and {**to_builtins(longer), **to_builtins(statistics.lengths)},
    }
