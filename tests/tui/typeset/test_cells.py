"""Where lines are broken."""

import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len, get_character_cell_size

from dpo_tui.tui.typeset.cells import cells, hard_cuts, is_narrow, is_wide, word_cuts

words = st.text(st.sampled_from("ab  -日、」「👨‍👩é\u0301🇩🇪❤️\u200d") | st.characters(), max_size=80)
widths = st.integers(2, 30)


def word_lines(text: str, width: int) -> list[str]:
    return [text[start:end] for start, end in word_cuts(text, width)]


def hard_lines(text: str, width: int) -> list[str]:
    return [text[start:end] for start, end in hard_cuts(text, width)]


def test_what_is_taken_for_narrow_or_wide_is_so() -> None:
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        if is_narrow(character) and character.isprintable():
            assert get_character_cell_size(character) == 1, hex(code)
        if is_wide(character):
            assert get_character_cell_size(character) == 2, hex(code)


@given(words)
def test_cells_are_what_the_screen_library_counts(text: str) -> None:
    if text.isprintable():
        assert cells(text) == cell_len(text)


@given(words, widths)
def test_lines_fit_and_only_spaces_are_left_out(text: str, width: int) -> None:
    lines = word_lines(text, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    if text.isprintable():
        assert all(cell_len(line) <= width for line in lines)


@given(words, widths)
def test_code_keeps_every_character(text: str, width: int) -> None:
    lines = hard_lines(text, width)
    assert "".join(lines) == text
    if text.isprintable():
        assert all(cell_len(line) <= width for line in lines)


@given(st.text("ab  ", max_size=80), widths)
def test_the_quick_way_is_the_same_way(text: str, width: int) -> None:
    accent = "\N{COMBINING ACUTE ACCENT}"
    accented = re.sub("[ab]", lambda match: match[0] + accent, text.strip(" "))
    slow = [line.replace(accent, "") for line in word_lines(accented, width)]
    assert slow == word_lines(text.strip(" "), width)


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("", 5, [""]),
        ("one two", 7, ["one two"]),
        ("one  two", 5, ["one", "two"]),
        ("one twothree", 5, ["one", "twoth", "ree"]),
        ("  one two", 5, ["  one", "two"]),
        ("trailing   ", 8, ["trailing"]),
        ("日本語の文章", 5, ["日本", "語の", "文章"]),
        ("日本語、文章", 6, ["日本", "語、文", "章"]),
        ("日本「語」", 6, ["日本", "「語」"]),
        ("an 日本 word", 6, ["an 日", "本", "word"]),
        ("👨‍👩‍👧‍👦👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 5, ["👨‍👩‍👧‍👦👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦"]),
        ("🇩🇪🇫🇷🇯🇵", 5, ["🇩🇪🇫🇷", "🇯🇵"]),
        ("e\u0301e\u0301e\u0301", 2, ["e\u0301e\u0301", "e\u0301"]),
        ("שלום עולם", 5, ["שלום", "עולם"]),
        ("❤️❤️❤️", 4, ["❤️❤️", "❤️"]),
    ],
)
def test_lines_are_broken_between_words_and_east_asian_characters(
    text: str, width: int, lines: list[str]
) -> None:
    assert word_lines(text, width) == lines


def test_a_word_of_ten_thousand_characters_is_broken() -> None:
    assert word_lines("a " + "x" * 10_000, 80) == ["a", *["x" * 80] * 125]
