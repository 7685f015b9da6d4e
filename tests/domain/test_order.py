"""Cards lie by chance, and always the same."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from dpo_tui.domain.order import card_order
from tests.domain.strategies import texts

slots = st.sets(st.integers(0, 19))


@given(texts, slots, slots)
def test_every_slot_is_there_once_and_the_later_ones_come_last(
    seed: str, shuffled: set[int], later: set[int]
) -> None:
    later -= shuffled
    order = card_order(seed, shuffled, later)
    assert sorted(order) == sorted(shuffled | later)
    assert list(order[len(shuffled) :]) == sorted(later)
    assert order == card_order(seed, sorted(shuffled, reverse=True), later)


@given(texts, slots, st.integers(0, 19))
def test_one_more_leaves_the_others_as_they_were(seed: str, shuffled: set[int], more: int) -> None:
    before = card_order(seed, shuffled - {more}, ())
    after = card_order(seed, shuffled | {more}, ())
    assert [slot for slot in after if slot != more] == list(before)


def test_the_order_is_the_same_for_ever() -> None:
    assert list(card_order("ann 1234 1", range(6), [7, 6])) == [1, 3, 4, 0, 2, 5, 6, 7]


def test_every_place_is_as_likely_as_any_other() -> None:
    first = Counter(card_order(f"ann {group} 1", range(4), ())[0] for group in range(4000))
    assert all(900 < first[slot] < 1100 for slot in range(4))
