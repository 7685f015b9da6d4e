"""Two texts side by side: every word of both, the common ones told from the others."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from dpo_tui.display import display
from dpo_tui.tui.typeset import Line, compare
from tests.tui.typeset.test_text import texts_of
from tests.tui.typeset.texts import anything, widths

prose = st.lists(
    st.sampled_from(["one", "two", "three", "four,", " ", " ", "\n", "\n\n", "日本語", "  "]),
    max_size=40,
).map("".join)


def said(lines: list[Line], *kinds: str) -> str:
    """The words of some kinds, without white space."""
    return re.sub(
        r"\s", "", "".join(text for line in lines for text, kind in line if kind in kinds)
    )


def without_space(text: str) -> str:
    return re.sub(r"\s", "", display(text))


@given(anything | prose, anything | prose, widths)
def test_both_sides_say_all_they_say_in_as_many_lines_that_fit(
    one: str, other: str, width: int
) -> None:
    left, right = compare(one, other, width)
    assert len(left) == len(right)
    assert said(left, "common", "removed") == without_space(one)
    assert said(right, "common", "added") == without_space(other)
    for line in texts_of(left + right):
        assert cell_len(line) <= width
        assert display(line) == line


@given(prose, prose, widths)
def test_what_is_common_is_the_same_on_both_sides(one: str, other: str, width: int) -> None:
    left, right = compare(one, other, width)
    assert said(left, "common") == said(right, "common")


@given(prose, widths)
@example("one one\none\none one", 10)
def test_white_space_makes_no_difference(text: str, width: int) -> None:
    left, right = compare(text, re.sub(r"\s+", "  \n", text), width)
    assert said(left, "removed") == said(right, "added") == ""


def test_words_that_differ_are_told_and_rows_are_kept() -> None:
    one = "A cat sat.\n\nIt was red, and it purred for a long time.\n- end\n"
    other = "A cat sat.\nIt was blue, and it purred.\n\n\n- end"
    left, right = compare(one, other, 20)
    assert texts_of(left) == [
        *["A cat sat.", "", "It was red, and it", "purred for a long", "time.", "", "", "- end"]
    ]
    assert texts_of(right) == [
        *["A cat sat.", "", "It was blue, and it", "purred.", "", "", "", "- end"]
    ]
    assert [text for line in left for text, kind in line if kind == "removed"] == [
        *["red", "for a long", "time"]
    ]
    assert [text for line in right for text, kind in line if kind == "added"] == ["blue"]


def test_marks_and_short_words_between_changes_are_no_common_ground() -> None:
    left, right = compare("Cats like the sun.", "Dogs chase the ball.", 40)
    assert said(left, "common") == said(right, "common") == "."
    left, right = compare("He saw the cat.", "She saw the dog.", 40)
    assert said(left, "common") == said(right, "common") == "sawthe."


def test_lines_of_a_passage_that_differs_keep_their_rows() -> None:
    left, right = compare("a long first line\nb c\nd", "a line\nx c\ny", 6)
    assert texts_of(left) == ["a long", "first", "line", "b c", "d"]
    assert texts_of(right) == ["a line", "", "", "x c", "y"]


@pytest.mark.parametrize(("one", "other"), [("", ""), ("a", ""), ("", "a\n\nb"), ("\n", " ")])
def test_one_side_may_say_nothing(one: str, other: str) -> None:
    left, right = compare(one, other, 20)
    assert [text for text in texts_of(left) if text] == one.split()
    assert [text for text in texts_of(right) if text] == other.split()


def test_passages_too_long_to_compare_differ_in_all() -> None:
    one, other = "a b " * 9_000, "b c " * 9_000
    left, right = compare(f"same\n{one}", f"same\n{other}", 80)
    assert said(left, "common") == said(right, "common") == "same"
    assert said(left, "removed") == without_space(one)
