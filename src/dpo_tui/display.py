"""The one door from foreign text to any terminal.

Model output, prompts and servers' words can hold terminal escapes, control characters and invisible
or direction-changing ones. A terminal library passes them through, so they are made visible here,
and only here: what is stored and what trainers read stays exactly as it was.
"""

from __future__ import annotations

import sys
from contextlib import suppress

_PICTURES = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"}
_DELETE = {0x7F: "\u2421"}
# C1 controls act like ESC sequences on some terminals; lone surrogates can't be encoded at all.
_REPLACED = dict.fromkeys((*range(128, 160), *range(55296, 57344)), "\ufffd")
# Invisible, or able to reorder the line they stand in: Unicode's Default_Ignorable_Code_Point (in
# DerivedCoreProperties.txt), the separators that some programs break lines at, and annotations.
# Joiners and variation selectors are kept: emoji, Indic scripts, Persian and Mongolian need them.
_NAMED = {
    code: f"<U+{code:04X}>"
    for code in (
        0x00AD,  # soft hyphen
        0x034F,  # combining grapheme joiner
        0x061C,  # Arabic letter mark
        *range(0x115F, 0x1161),  # Hangul fillers
        *range(0x17B4, 0x17B6),  # Khmer inherent vowels
        0x180E,  # Mongolian vowel separator
        0x200B,  # zero width space
        *range(0x200E, 0x2010),  # left-to-right and right-to-left marks
        *range(0x2028, 0x202F),  # line and paragraph separators, embeddings and overrides
        *range(0x2060, 0x2070),  # word joiner, invisible operators, isolates, deprecated controls
        0x3164,  # Hangul filler
        0xFEFF,  # byte order mark
        0xFFA0,  # halfwidth Hangul filler
        *range(0xFFF0, 0xFFFC),  # unassigned, interlinear annotation
        *range(0x1BCA0, 0x1BCA4),  # shorthand format controls
        *range(0x1D173, 0x1D17B),  # musical format controls
        *range(0xE0000, 0xE0100),  # tag characters
        *range(0xE01F0, 0xE1000),  # unassigned
    )
}
_TABLE = _PICTURES | _DELETE | _REPLACED | _NAMED
_LINE_TABLE = _TABLE | {ord("\n"): " ", ord("\t"): " "}


def display(text: str) -> str:
    """Foreign text as it may go to a terminal: nothing in it acts, everything in it shows.

    Newlines and tabs stay; the result is plain text and must not be parsed as markup.
    """
    return text.replace("\r\n", "\n").translate(_TABLE)


def display_line(text: str) -> str:
    """Like `display`, on one line: for titles, names and messages."""
    return text.replace("\r\n", "\n").translate(_LINE_TABLE)


_IN_PLACE = _TABLE | dict.fromkeys(_NAMED, "\ufffd")


def display_in_place(text: str) -> str:
    """Like `display`, each character one for one: for text under a cursor."""
    return text.translate(_IN_PLACE)


def tell(text: str) -> None:
    """Say something to the person, on standard error."""
    with suppress(OSError):  # nobody reads it, or it goes to a full disk: the outcome is the same
        print(display(text), file=sys.stderr)
