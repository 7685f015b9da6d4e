"""Responses that say the same but for white space."""

from hypothesis import given
from hypothesis import strategies as st

from dpo_tui.domain.twins import bare, find_copies
from tests.domain.strategies import texts


@given(texts, texts)
def test_white_space_makes_no_difference(one: str, other: str) -> None:
    assert bare(f"{one} {other}") == bare(f"\n{one}\t\u3000{other} ")


@given(st.lists(st.sampled_from("abc")))
def test_a_copy_points_at_the_first_of_its_kind(said: list[str]) -> None:
    copies = find_copies(dict(enumerate(said)))
    for slot, text in enumerate(said):
        first = said.index(text)
        assert copies.get(slot, slot) == first
