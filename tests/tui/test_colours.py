"""That a screen is the same whether all of a style is told or only what changes."""

import re
from typing import NamedTuple

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.style import Style

from dpo_tui.tui.colours import told_shortly

colours = st.sampled_from(
    [None, "red", "bright_blue", "default", "color(99)", "#102030", "#d5daee"]
)
styles = st.builds(
    Style,
    color=colours,
    bgcolor=colours,
    bold=st.booleans(),
    dim=st.booleans(),
    italic=st.booleans(),
    underline=st.booleans(),
    reverse=st.booleans(),
    strike=st.booleans(),
    link=st.sampled_from([None, None, None, "https://a.b"]),
)
moves = st.sampled_from(["", "", "\n", "\x1b[2;3H", "\n\x1b[4;1H", "\x1b[K", "\x1b[5C"])
systems = st.sampled_from(ColorSystem)


class Cell(NamedTuple):
    """A character that was written, and all codes that counted for it."""

    text: str
    attributes: frozenset[int]
    foreground: str
    background: str


ENDS = {22: {1, 2}, 23: {3}, 24: {4}, 25: {5}, 27: {7}, 29: {9}}


def written(data: str) -> list[Cell]:
    """What a terminal makes of it: one cell for each character, each movement and each erasure."""
    cells = []
    attributes: frozenset[int] = frozenset()
    ground = ["39", "49"]
    for codes, other in re.findall(
        r"\x1b\[([\d;]*)m|(\x1b\[[\d;]*[A-Z]|\x1b\].*?\x1b\\|.|\n)", data
    ):
        if other:
            cells.append(Cell(other, attributes, *ground))
            continue
        for code in re.findall(r"[34]8;5;\d+|[34]8;2;\d+;\d+;\d+|\d+", codes or "0"):
            if code == "0":
                attributes, ground = frozenset(), ["39", "49"]
            elif ";" in code or int(code) >= 30:
                is_back = code[0] == "4" or code[:2] == "10"
                ground[is_back] = code
            elif int(code) in ENDS:
                attributes -= ENDS[int(code)]
            else:
                attributes |= {int(code)}
    return cells


def shown(cells: list[Cell]) -> list[Cell]:
    """A movement looks the same in any style."""
    return [
        Cell(each.text, frozenset(), "", "") if re.match(r"\n|\x1b\[[\d;]*H", each.text) else each
        for each in cells
    ]


@given(st.lists(st.tuples(st.sampled_from("aé日"), st.none() | styles, moves)), systems)
def test_every_character_keeps_its_style(
    pieces: list[tuple[str, Style | None, str]], system: ColorSystem
) -> None:
    data = "".join(
        (style.render(text, color_system=system) if style else text) + move
        for text, style, move in pieces
    )
    short = told_shortly(data)
    assert shown(written(short)) == shown(written(data))
    assert len(short) <= len(data)
    assert told_shortly(data + "\x1b[0m").endswith("\x1b[0m")


@given(st.text("\x1b[;0123456789mHa\n", max_size=40))
def test_codes_of_any_form_keep_their_meaning(data: str) -> None:
    assert shown(written(told_shortly(data))) == shown(written(data))


@pytest.mark.parametrize(
    ("data", "short"),
    [
        ("\x1b[31mA\x1b[0m\x1b[31mB\x1b[0m", "\x1b[31mAB\x1b[0m"),
        ("\x1b[1;31mA\x1b[0m\x1b[31;42mB\x1b[0m", "\x1b[1;31mA\x1b[22;42mB\x1b[0m"),
        ("\x1b[1;2mA\x1b[0m\x1b[2mB\x1b[0m", "\x1b[1;2mA\x1b[0;2mB\x1b[0m"),
        (
            "\x1b[31;48;5;9mA\x1b[0m\n\x1b[2;1H\x1b[4;48;5;9mB\x1b[0m",
            "\x1b[31;48;5;9mA\n\x1b[2;1H\x1b[4;39mB\x1b[0m",
        ),
        ("\x1b[31mA\x1b[0mB\x1b[31mC\x1b[0m", "\x1b[31mA\x1b[0mB\x1b[31mC\x1b[0m"),
        ("\x1b[31mA\x1b[0m\x1b[K\x1b[31mC\x1b[0m", "\x1b[31mA\x1b[0m\x1b[K\x1b[31mC\x1b[0m"),
    ],
)
def test_only_what_changes_is_told(data: str, short: str) -> None:
    assert told_shortly(data) == short


def test_an_emulator_shows_the_same() -> None:
    line = Style(color="#d5daee", bgcolor="#14161f")
    data = "\x1b[1;1H"
    for style in (line, line + Style(bold=True), Style(color="red", reverse=True), line):
        data += style.render("text ", color_system=ColorSystem.TRUECOLOR)
    screens = pyte.Screen(30, 3), pyte.Screen(30, 3)
    for screen, each in zip(screens, (data, told_shortly(data)), strict=True):
        pyte.Stream(screen).feed(each)
    assert screens[0].buffer == screens[1].buffer
