"""Whatever a text says: nothing acts, nothing is lost, nothing is wider than the screen."""

import re
import subprocess
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from dpo_tui.display import display
from dpo_tui.tui.typeset import Line, Text, typeset
from dpo_tui.tui.typeset.kinds import KINDS
from tests.tui.typeset.texts import anything, markdown, widths


def texts_of(lines: list[Line]) -> list[str]:
    return ["".join(text for text, _ in line) for line in lines]


def letters(text: str) -> str:
    return "".join(re.findall(r"[^\W_]+", text))


@given(anything, widths, st.booleans())
def test_no_line_is_wider_than_the_width(text: str, width: int, raw: bool) -> None:
    for line in typeset(text, width, raw=raw):
        assert sum(cell_len(span) for span, _ in line) <= width
        assert cell_len("".join(span for span, _ in line)) <= width


@given(anything, widths, st.booleans())
def test_nothing_acts(text: str, width: int, raw: bool) -> None:
    for line in texts_of(typeset(text, width, raw=raw)):
        assert display(line) == line
        assert "\n" not in line
        assert "\t" not in line


@given(anything, widths)
def test_every_span_says_something_of_a_known_kind(text: str, width: int) -> None:
    spans = [span for line in typeset(text, width) for span in line]
    assert {kind for _, kind in spans} <= set(KINDS)
    assert all(text for text, _ in spans)


@given(anything, widths)
@example("x & y &lt; z &#65;", 40)
@example("[a]: http://b.c 'd'\n\n[a]", 40)
@example("| a | b |\n|---|---|\n| c | d | e |", 40)
@example("> " * 30 + "a\n\nb", 40)
@example("- " * 30 + "a\n\nb", 40)
@example("[a <b>](c%20d&amp; 'e \\* f') ![g](h 'i')", 40)
@example("<p title='a'>b</p>\n<!-- c -->", 40)
def test_every_letter_and_digit_is_there_and_in_order(text: str, width: int) -> None:
    shown = "".join(texts_of(typeset(text, width)))
    assert letters(shown) == letters(display(text))


@given(anything, widths)
def test_raw_lines_are_the_lines_of_the_text(text: str, width: int) -> None:
    shown = texts_of(typeset(text, width, raw=True))
    assert "".join(shown).replace(" ", "") == re.sub(r"[ \t\n]", "", display(text))
    wide = texts_of(typeset(text, 100_000, raw=True))
    assert wide == (display(text).expandtabs(4).split("\n") if text else [])


@given(st.lists(anything, max_size=6), widths, st.booleans(), st.integers(1, 50))
@example(["a\r", "\nb"], 40, False, 9)
@example(["- a\n\n- b\n\n", "c\n--", "-\n\nd"], 40, False, 9)
@example(["a\n| b | c |\n", "|--", "-|---|\n| d | e |\n\nf"], 40, False, 9)
def test_a_growing_text_is_set_like_the_whole(
    parts: list[str], width: int, raw: bool, count: int
) -> None:
    growing = Text(width, raw=raw)
    so_far = ""
    for part in parts:
        growing.append(part)
        so_far += part
        assert growing.lines == typeset(so_far, width, raw=raw)
    assert growing.first(count)[:count] == typeset(so_far, width, raw=raw)[:count]


@settings(max_examples=30)
@given(markdown, widths)
def test_a_text_that_grows_by_each_character_is_set_like_the_whole(text: str, width: int) -> None:
    growing = Text(width)
    for character in text:
        growing.append(character)
        _ = growing.lines
    assert growing.lines == typeset(text, width)


@settings(max_examples=20)
@given(st.lists(markdown, min_size=1, max_size=5), widths)
def test_a_long_text_can_be_set_as_far_as_it_is_seen(parts: list[str], width: int) -> None:
    text = "\n".join(parts * 40)
    whole = typeset(text, width)
    partial = Text(width)
    partial.append(text)
    for count in (1, 50, 500):
        first = partial.first(count)
        assert len(first) >= min(count, len(whole))
        assert partial.is_complete or first == whole[: len(first)]


def test_of_a_long_text_only_what_is_asked_for_is_set() -> None:
    text = Text(80)
    text.append("A paragraph of a few words.\n\n" * 4_000)
    assert len(text.first(50)) < 1_000
    assert not text.is_complete
    assert len(text.lines) == 7_999
    assert text.is_complete


@pytest.mark.parametrize("raw", [False, True])
def test_an_empty_text_has_no_lines(raw: bool) -> None:
    assert typeset("", 80, raw=raw) == []


def test_prose_needs_no_screen_no_colours_and_no_comparison() -> None:
    code = (
        "import sys; from dpo_tui.tui.typeset import typeset\n"
        "typeset('**a**', 80); print(*sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"textual", "pygments", "rapidfuzz"} & set(run.stdout.split())
