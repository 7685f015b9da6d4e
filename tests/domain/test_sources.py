"""Who makes which response of a group."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dpo_tui.domain.model import Sampling
from dpo_tui.domain.sources import Recipe, SamplingPlan, SourceSettings, assign, shares

TEMPERATURES = st.lists(st.floats(0, 5), max_size=4).map(tuple)
PLANS = st.builds(
    SamplingPlan,
    st.builds(Sampling, temperature=st.none() | st.floats(0, 5), seed=st.none() | st.integers()),
    TEMPERATURES,
)
SOURCES = st.lists(
    st.builds(
        SourceSettings,
        model=st.none() | st.sampled_from(["a", "b"]),
        endpoint=st.none() | st.sampled_from(["here", "there"]),
        plan=PLANS,
        count=st.none() | st.integers(1, 20),
        weight=st.floats(0, 1e308, exclude_min=True),
    ),
    max_size=5,
)
SIZES = st.integers(1, 20)
NOTHING = SamplingPlan()


def counted(*counts: int | None) -> list[SourceSettings]:
    return [SourceSettings(count=count) for count in counts]


def weighted(*weights: float) -> list[SourceSettings]:
    return [SourceSettings(weight=weight) for weight in weights]


@given(SOURCES, SIZES, PLANS, PLANS)
def test_every_slot_has_one_recipe_and_always_the_same(
    sources: list[SourceSettings], n: int, session: SamplingPlan, prompt: SamplingPlan
) -> None:
    recipes = assign(sources, n, session, prompt)
    assert len(recipes) == n
    assert recipes == assign(sources, n, session, prompt)


@given(SOURCES.filter(bool), SIZES)
def test_counts_are_exact_where_they_fit_and_weights_share_the_rest(
    sources: list[SourceSettings], n: int
) -> None:
    total = sum(each.count or 0 for each in sources)
    assume(total <= n)
    got = shares(sources, n)
    assert sum(got) == n
    weights = sum(Fraction(0 if each.count else each.weight) for each in sources)
    for source, share in zip(sources, got, strict=True):
        if source.count is None:
            assert abs(share - (n - total) * Fraction(source.weight) / weights) < 1
        elif weights:
            assert share == source.count


@pytest.mark.parametrize(
    ("sources", "n", "expected"),
    [
        (weighted(1, 1), 5, [3, 2]),
        (weighted(3, 1), 4, [3, 1]),
        (weighted(1, 1, 1), 4, [2, 1, 1]),
        (weighted(0.5, 0.3, 0.2), 6, [3, 2, 1]),
        (counted(3, 1), 4, [3, 1]),
        (counted(2, None, None), 5, [2, 2, 1]),
        (counted(2, None), 2, [2, 0]),
        (counted(3, 3), 4, [3, 1]),
        (counted(2, 2), 5, [3, 2]),
    ],
)
def test_shares(sources: list[SourceSettings], n: int, expected: list[int]) -> None:
    assert shares(sources, n) == expected


def test_sources_come_one_after_the_other() -> None:
    sources = [
        SourceSettings(model="a", plan=SamplingPlan(Sampling(top_p=0.5)), count=2),
        SourceSettings(endpoint="there"),
    ]
    session = SamplingPlan(Sampling(top_p=0.9, seed=7))
    first, second = Sampling(top_p=0.5, seed=7), Sampling(top_p=0.9, seed=7)
    assert assign(sources, 3, session) == (
        Recipe("a", None, first),
        Recipe("a", None, first),
        Recipe(None, "there", second),
    )


@given(TEMPERATURES.filter(bool), SIZES)
def test_temperatures_are_spread_over_the_responses(
    temperatures: tuple[float, ...], n: int
) -> None:
    recipes = assign([], n, SamplingPlan(Sampling(temperature=9.0), temperatures))
    expected = [temperatures[slot % len(temperatures)] for slot in range(n)]
    assert [each.sampling.temperature for each in recipes] == expected


def test_temperatures_of_a_source_go_over_its_own_responses() -> None:
    sources = [
        SourceSettings(count=1),
        SourceSettings(plan=SamplingPlan(temperatures=(0.1, 0.2)), count=3),
    ]
    recipes = assign(sources, 4, SamplingPlan(Sampling(temperature=1.0)))
    assert [each.sampling.temperature for each in recipes] == [1.0, 0.1, 0.2, 0.1]


def test_the_prompt_wins_over_the_source_and_that_over_the_session() -> None:
    prompt = SamplingPlan(Sampling(temperature=0.3))
    source = SourceSettings(plan=SamplingPlan(Sampling(max_tokens=5), (0.1, 0.2)))
    session = SamplingPlan(Sampling(max_tokens=9, top_p=0.5), (0.8, 0.9))
    expected = Sampling(temperature=0.3, max_tokens=5, top_p=0.5)
    assert {each.sampling.max_tokens for each in assign([source], 2, session, prompt)} == {5}
    assert [each.sampling for each in assign([source], 2, session, prompt)] == [expected] * 2
    without = assign([source], 2, session, NOTHING)
    assert [each.sampling.temperature for each in without] == [0.1, 0.2]
