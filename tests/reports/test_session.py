from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpo_tui.domain.model import Mark, Origin, Progress
from dpo_tui.domain.statistics import FirstCard, Judged, Lengths, Maker, Statistics
from dpo_tui.reports.session import (
    Share,
    as_json,
    first_card,
    lines,
    longer_chosen,
    seconds_left,
    share,
    source_lines,
)

QWEN = "http://a/v1"


def statistics(**more: object) -> Statistics:
    people = {"ann": Progress(total=120, confirmed=80, skipped=5, pairs=212)}
    return Statistics(Path("s.db"), Path("prompts.toml"), people, **more)  # type: ignore[arg-type]


def said(**more: object) -> dict[str, str]:
    return dict(lines(statistics(**more)))


# Wilson's interval as Newcombe (1998), Statistics in Medicine 17, gives it: table I.
@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_wilson_s(part: int, whole: int, low: float, high: float) -> None:
    found = share(part, whole, whole)
    assert found
    assert found.value == part / whole
    assert [found.low, found.high] == pytest.approx([low, high], abs=1e-4)


@given(st.integers(0, 1000), st.integers(1, 1000), st.integers(1, 1000))
def test_a_share_lies_in_its_interval(part: int, whole: int, observations: int) -> None:
    found = share(min(part, whole), whole, observations)
    assert found
    assert 0 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1


def test_nothing_has_no_share() -> None:
    assert share(0, 0, 5) is None
    assert share(0, 5, 0) is None


def test_sums_and_pace() -> None:
    found = said(
        median_seconds=42.0,
        total_seconds=3900.0,
        combinations=216,
        pairs=212,
        chosen=Counter({1: 60, 0: 2, 2: 18}),
    )
    assert found["ann"] == "85 of 120 groups: 80 confirmed, 5 skipped, 35 left"
    assert found["pairs"] == "212 (4 chosen x rejected left out)"
    assert found["time"] == "42s a group (median) · 1h 05m in all · about 24m 30s for what is left"
    assert found["chosen"] == "none in 2 groups · 1 in 60 groups · 2 in 18 groups"
    assert seconds_left(statistics(median_seconds=2.0)) == 70.0


def test_what_there_is_none_of_is_not_told() -> None:
    assert set(said()) == {"ann", "pairs"}
    assert said()["pairs"] == "212"
    nobody = Statistics(Path("s.db"), None, {})
    assert dict(lines(nobody))["nobody yet"] == "0 of 0 groups: 0 confirmed, 0 skipped, 0 left"
    assert seconds_left(nobody) is None


def test_what_was_said_besides_marks() -> None:
    found = said(
        flagged=3,
        ties=1,
        bests=2,
        notes=4,
        later_sets=5,
        strengths=Counter({2: 6}),
        labels=Counter({"wrong": 2, "rude": 7}),
        makers={
            Maker(Origin.EDITED): Judged(Counter({Mark.CHOSEN: 8}), 8),
            Maker(Origin.WRITTEN): Judged(Counter({Mark.CHOSEN: 1}), 1),
        },
    )
    assert found["besides"] == (
        "8 edited · 1 written · 5 of a later set · 3 flagged · 1 ties · 2 with a best one · "
        "4 with a note · 6 of strength 2"
    )
    assert found["labels"] == "rude 7 · wrong 2"


def test_sources_are_told_by_what_tells_them_apart() -> None:
    judged = Judged(Counter({Mark.CHOSEN: 1, Mark.REJECTED: 3}), 4)
    better = Judged(Counter({Mark.CHOSEN: 3, Mark.REJECTED: 1, Mark.EXCLUDED: 2}), 4)
    one = source_lines(statistics(makers={Maker(Origin.MODEL, "qwen", QWEN, 0.7): judged}))
    assert [(each.name, each.won and each.won.value) for each in one] == [("qwen", 0.25)]
    by_temperature = source_lines(
        statistics(
            makers={
                Maker(Origin.MODEL, "qwen", QWEN, 0.7): judged,
                Maker(Origin.MODEL, "qwen", QWEN, 1.2): better,
                Maker(Origin.MODEL, "qwen", QWEN): Judged(Counter({Mark.EXCLUDED: 1}), 0),
            }
        )
    )
    assert [each.name for each in by_temperature] == [
        "qwen · temperature 1.2",
        "qwen · temperature 0.7",
        "qwen",
    ]
    assert by_temperature[0].excluded == 2
    assert by_temperature[2].won is None
    by_place = source_lines(
        statistics(
            makers={
                Maker(Origin.MODEL, "qwen", QWEN): judged,
                Maker(Origin.MODEL, "qwen", "http://b/v1"): better,
                Maker(Origin.READY): judged,
            }
        )
    )
    assert [each.name for each in by_place] == [
        "qwen · http://b/v1",
        "qwen · http://a/v1",
        "ready-made",
    ]


def test_an_origin_is_told_where_one_model_has_several() -> None:
    judged = Judged(Counter({Mark.CHOSEN: 1}), 1)
    makers = [Maker(Origin.MODEL, "qwen", QWEN), Maker(Origin.READY, "qwen"), Maker(Origin.EDITED)]
    names = {each.name for each in source_lines(statistics(makers=dict.fromkeys(makers, judged)))}
    assert names == {"qwen · model", "qwen · ready-made", "edited"}


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (FirstCard(10, 10, 2.5), "too few groups to tell"),
        (FirstCard(100, 27, 25.0), "no sign that its place matters"),
        (FirstCard(100, 60, 25.0), "its place matters"),
    ],
)
def test_position_bias(first: FirstCard, words: str) -> None:
    found = said(first_card=first)["first card"]
    assert found.endswith(f": {words}")
    assert "25% if places don't matter" in found
    seen, expected = first_card(statistics(first_card=first)) or (None, 0.0)
    assert isinstance(seen, Share)
    assert (seen.value, expected) == (first.chosen / first.groups, 0.25)


@pytest.mark.parametrize(
    ("lengths", "words"),
    [
        (Lengths(10, 0, 0, 10), "too few groups to tell"),
        (Lengths(55, 45, 3, 50), "no sign that length matters"),
        (Lengths(90, 10, 3, 50), "longer ones are preferred"),
        (Lengths(10, 90, 3, 50), "shorter ones are preferred"),
    ],
)
def test_length_bias(lengths: Lengths, words: str) -> None:
    assert said(lengths=lengths)["longer one"].endswith(f": {words}")
    found = longer_chosen(statistics(lengths=lengths))
    assert found
    assert found.value == lengths.longer / (lengths.longer + lengths.shorter)


def test_machines_get_all_of_it() -> None:
    found = as_json(
        statistics(
            lengths=Lengths(90, 10, 3, 50),
            first_card=FirstCard(100, 60, 25.0),
            makers={Maker(Origin.READY, "m"): Judged(Counter({Mark.CHOSEN: 1}), 1)},
        )
    )
    assert found["annotators"]["ann"]["left"] == found["left"] == 35
    assert found["longer_chosen"]["value"] == 0.9
    assert found["longer_chosen"]["groups"] == 50
    assert found["first_card"]["expected"] == 0.25
    assert found["sources"][0]["won"]["value"] == 1.0
    empty = as_json(statistics())
    assert empty["first_card"] is empty["longer_chosen"] is None
