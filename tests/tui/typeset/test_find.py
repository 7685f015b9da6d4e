"""Searching in what is on the screen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpo_tui.tui.typeset import find, typeset
from tests.tui.typeset.test_text import texts_of
from tests.tui.typeset.texts import anything, markdown, widths


@given(anything, widths, st.text(max_size=3))
def test_only_kinds_are_changed(text: str, width: int, query: str) -> None:
    lines = typeset(text, width)
    found, numbers = find(lines, query)
    assert texts_of(found) == texts_of(lines)
    assert numbers == sorted(set(numbers))


@given(markdown, widths, st.sampled_from(["WORD", "two  Words", "日本", "x", "(", "\\"]))
def test_every_match_is_marked_and_nothing_else(text: str, width: int, query: str) -> None:
    found, numbers = find(typeset(text, width), query)
    marked = "".join(span for line in found for span, kind in line if kind == "match").lower()
    wanted = "".join(query.lower().split())
    assert marked.replace(" ", "").replace(wanted, "") == ""
    others = "\n".join("".join(s if k != "match" else "\0" for s, k in line) for line in found)
    assert query.lower() not in others.lower()
    assert bool(numbers) == bool(marked)


@pytest.mark.parametrize("query", ["", "  ", "absent", "a.b", "textother"])
def test_without_a_match_lines_are_as_they_were(query: str) -> None:
    lines = typeset("a text\nother **text**", 40)
    assert find(lines, query) == (lines, [])


def test_spans_keep_their_kind_around_a_match() -> None:
    found, numbers = find(typeset("a **strong TEXT** here\n\nno\n\ntext", 40), "text")
    assert found[0] == (("a ", "text"), ("strong ", "strong"), ("TEXT", "match"), (" here", "text"))
    assert numbers == [0, 4]


def test_a_match_may_run_over_spans_and_lines() -> None:
    found, numbers = find(typeset("> one **two** three", 12), "One two three")
    assert numbers == [0]
    assert found == [
        (("▌ ", "bar"), ("one two", "match")),
        (("▌ ", "bar"), ("three", "match")),
    ]
