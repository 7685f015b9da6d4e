"""Texts that are nearly the same: told as comparing all of them does."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from rapidfuzz.distance import Indel

from dpo_tui.datasets.alike import LONGEST, are_alike

texts = st.text("ab ", max_size=60)


@st.composite
def variants(draw: st.DrawFn) -> tuple[str, str]:
    """A text, and the same with some pieces in other places or gone."""
    text = draw(st.text("abcdefgh ", min_size=20, max_size=200))
    other = text
    for _ in range(draw(st.integers(0, 4))):
        start, length, place = (draw(st.integers(0, len(text))) for _ in range(3))
        piece = other[start : start + length // 8]
        other = other[:start] + other[start + length // 8 :]
        other = other[:place] + draw(st.sampled_from([piece, "", "xyz"])) + other[place:]
    return text, other


@given(st.tuples(texts, texts) | variants(), st.sampled_from([0.1, 0.5, 0.8, 0.9, 0.95, 1.0]))
@example(("", ""), 0.9)
@example(("ab" * 50, "ba" * 50), 0.99)
@example(("x" * 10 + "y" * 90, "y" * 90), 0.9)
def test_only_what_says_nothing_is_not_compared(sides: tuple[str, str], share: float) -> None:
    assert are_alike(*sides, share) == (Indel.normalized_similarity(*sides) >= share)


def test_texts_that_would_take_minutes_are_not_compared() -> None:
    text = "ab" * (LONGEST // 2)
    other = text.replace("abababab", "abababba")
    assert are_alike(text, other, 0.8)
    assert not are_alike(f"{text}!", other, 0.8)
    assert not are_alike(text * 100, other * 100, 0.8)
