"""The one door from foreign text to the terminal: nothing acts, everything shows."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text
from textual.content import Content

from dpo_tui.display import display, display_line

anything = st.text(
    st.characters(exclude_categories=())
    | st.sampled_from("\r\n\t\x1b\x07\x9b\x85\u200b\u202e\ufeff\ud83d\u2028[/]\U000e0041")
)

EVERY_CHARACTER = [chr(code) for code in range(sys.maxunicode + 1)]

# Format characters (Cf) that have a shape of their own, or without which scripts fall apart.
SHAPED = {
    *"\u200c\u200d",  # joiners
    *map(chr, range(0x0600, 0x0606)),  # Arabic number signs, and the like
    *"\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd",
    *map(chr, range(0x13430, 0x13440)),  # the joints between hieroglyphs
}

BIDI_CONTROLS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
INVISIBLE = "\u00ad\u034f\u115f\u1160\u17b4\u180e\u200b\u2060\u2061\u2064\u206a\u3164\ufeff\uffa0"

ORDINARY = [
    "plain text, with\ttabs\nand lines\n",
    "[bold]markup[/bold] [@click=app.quit]stays[/] text, \\[ too",
    "👨‍👩‍👧‍👦 👩🏽‍🚀 ❤️‍🔥 🏳️‍🌈 🇩🇪 1️⃣",
    "日本語の文章、中文、한국어 葛\U000e0100",
    "العربية فارسی می‌خواهم עברית",
    "क्‍ष नमस्ते தமிழ் ภาษาไทย",
    "ᠮᠣᠩᠭᠣᠯ\u180b",
    "e\u0301 a\u0308 Z\u0351",
    "“quotes” — dashes… \u00a0nbsp ∑∫√ ▲│┌ \ue0b0",
    "␛ <U+202E> \ufffd",
]


@pytest.mark.parametrize("category", ["Cc", "Cf", "Cs", "Zl", "Zp"])
def test_no_control_of_any_kind_survives(category: str) -> None:
    survivors = {
        character
        for character in EVERY_CHARACTER
        if unicodedata.category(character) == category and character in display(character)
    }
    assert survivors <= {"Cc": {"\n", "\t"}, "Cf": SHAPED}.get(category, set())


@pytest.mark.parametrize("character", BIDI_CONTROLS + INVISIBLE + "\U000e0041\U0001d173")
def test_what_cannot_be_seen_is_named(character: str) -> None:
    assert display(f"a{character}b") == f"a<U+{ord(character):04X}>b"


def test_every_other_character_is_itself() -> None:
    changed = [character for character in EVERY_CHARACTER if display(character) != character]
    assert {unicodedata.category(character) for character in changed} <= {
        *["Cc", "Cf", "Cs", "Zl", "Zp"],
        *["Cn", "Mn", "Lo"],  # ignorable by definition, whatever they are
    }
    assert sum(unicodedata.category(character) == "Lo" for character in changed) == 4  # fillers
    assert sum(unicodedata.category(character) == "Mn" for character in changed) == 3


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_is_unchanged(text: str) -> None:
    assert display(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]52;c;QUJD\x07", "␛[2J␛]52;c;QUJD␇"),
        ("\x9b31m", "\ufffd31m"),
        ("a\x00b\x7fc", "a␀b␡c"),
        ("one\r\ntwo\rthree\n\rfour\r\r\n", "one\ntwo␍three\n␍four␍\n"),
        ("a\vb\fc\x1cd\x85e\u2028f", "a␋b␌c␜d\ufffde<U+2028>f"),
        ("\ud83d", "\ufffd"),
        ("\ud83d\ude00", "\ufffd\ufffd"),
        ("user\u202etxt.exe", "user<U+202E>txt.exe"),
        ("hi\U000e0068\U000e0069", "hi<U+E0068><U+E0069>"),
    ],
)
def test_what_acts_is_shown(text: str, shown: str) -> None:
    assert display(text) == shown


@given(anything)
def test_what_was_made_safe_stays_as_it_is(text: str) -> None:
    assert display(display(text)) == display(text)
    assert display_line(display(text)) == display_line(text)


@given(anything)
def test_text_is_cleaned_character_by_character(text: str) -> None:
    clean = "".join(map(display, text.replace("\r\n", "\n")))
    assert display(text) == clean


@given(anything)
def test_a_newline_is_the_only_thing_that_breaks_a_line(text: str) -> None:
    shown = display(text)
    assert shown.splitlines() == shown.removesuffix("\n").split("\n")[: len(shown)]
    assert len(display_line(text).splitlines()) <= 1
    assert "\t" not in display_line(text)


@given(anything)
def test_it_can_always_be_written(text: str) -> None:
    assert display(text).encode().decode() == display(text)


@given(anything)
def test_the_screen_library_takes_nothing_of_it_for_its_own(text: str) -> None:
    shown = display(text)
    assert Content(shown).plain == shown
    assert Text(shown).plain == shown
