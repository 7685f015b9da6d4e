from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from rich.segment import Segment
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from dpo_tui.errors import InputError
from dpo_tui.inputs import Place
from dpo_tui.preferences import Preferences, load_preferences
from dpo_tui.tui.app import DpoTuiApp
from dpo_tui.tui.look import Look
from dpo_tui.tui.palette import STYLES, contrast
from dpo_tui.tui.themes import DARK, LIGHT, NAMES, OWN, SIXTEEN, check_theme, first_theme
from tests.service.desk import PLAIN, prompts
from tests.tui.pilot import ABC, Screen, screen

GROUNDS = ("background", "surface", "panel", "current")
TEXTS = (
    "foreground",
    "foreground-muted",
    *(f"text-{name}" for name in ("primary", "success", "warning", "error", "accent")),
)


def variables(theme: Theme) -> dict[str, str]:
    return theme.to_color_system().generate() | theme.variables


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda each: each.name)
def test_every_text_can_be_read_on_every_ground(theme: Theme, ground: str) -> None:
    colors = variables(theme)
    below = Color.parse(colors[ground])
    assert below.a == 1
    for name in TEXTS:
        text = Color.parse(colors[name])
        assert text.a == 1
        assert contrast(text, below) >= 4.5, (name, contrast(text, below))
    # Marks between things, no text.
    assert contrast(Color.parse(colors["foreground-disabled"]), below) >= 3


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda each: each.name)
def test_the_current_response_stands_out(theme: Theme) -> None:
    colors = variables(theme)
    current, ground = Color.parse(colors["current"]), Color.parse(colors["background"])
    assert contrast(current, ground) >= 1.3


def test_sixteen_colours_are_the_terminal_s_own() -> None:
    for name in (*GROUNDS, *TEXTS):
        value = variables(SIXTEEN)[name]
        assert value.startswith("ansi_") or value == "transparent", (name, value)


@pytest.mark.parametrize(
    ("said", "remembered", "system", "theme"),
    [
        ("", "", "truecolor", "dpo-dark"),
        ("", "", "256", "dpo-dark"),
        ("", "", None, "dpo-dark"),
        ("", "", "standard", "dpo-16"),
        ("nord", "", "standard", "nord"),
        ("nord", "dracula", "truecolor", "nord"),
        ("", "dracula", "truecolor", "dracula"),
        ("", "gone-since", "truecolor", "dpo-dark"),
    ],
)
def test_which_theme_comes_first(said: str, remembered: str, system: str, theme: str) -> None:
    assert first_theme(said, remembered, system) == theme


def test_an_unknown_theme_is_told_with_those_that_there_are() -> None:
    for name in NAMES:
        check_theme(name, Place("a.toml", "key theme"))
    with pytest.raises(InputError) as caught:
        check_theme("dpo-drak", Place("a.toml", "key theme"))
    assert caught.value.message == "a.toml: key theme: there is no theme 'dpo-drak'"
    assert "Did you mean dpo-dark?" in caught.value.remedy
    assert all(name in caught.value.remedy for name in BUILTIN_THEMES)


async def choose_theme(here: Any, name: str) -> None:
    await here.press("ctrl+p")
    await here.until("space: Choose")
    await here.press(*"theme")
    await here.until("Choose other colours.")
    await here.until(lambda: "space: Choose" not in here.text())
    await here.press("enter")
    await here.until("dpo-light")
    await here.press(*(each if each != "-" else "minus" for each in name))
    await here.until(lambda: "dracula" not in here.text() and name in here.text())
    await here.press("enter")
    await here.until(lambda: here.app.theme == name)


async def test_a_theme_chosen_in_the_palette_is_remembered(tmp_path: Path) -> None:
    path = tmp_path / "state" / "preferences.json"
    look = Look(preferences=Preferences(layout="columns"), preferences_file=path)
    async with screen(tmp_path, ABC, prompts("first"), look=look) as here:
        await here.until("gamma text")
        await choose_theme(here, "nord")
        await here.until(path.exists)
        assert load_preferences(path) == Preferences("nord", "columns")
        assert here.app.preferences == Preferences("nord", "columns")
        await here.app.remember(layout="list")
        assert load_preferences(path) == Preferences("nord", "list")


async def test_a_choice_that_cannot_be_remembered_is_told_and_made(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    look = Look(preferences_file=tmp_path / "state" / "preferences.json")
    async with screen(tmp_path, ABC, prompts("first"), look=look, size=(120, 30)) as here:
        await here.until("gamma text")
        await choose_theme(here, "nord")
        await here.until("can't be written")
        await here.until("What you chose lasts until you leave.")


async def test_a_theme_that_is_set_counts_and_the_palette_says_so(tmp_path: Path) -> None:
    look = Look(theme="dpo-light", preferences=Preferences("dracula"))
    async with screen(tmp_path, ABC, prompts("first"), look=look) as here:
        await here.until("gamma text")
        assert here.app.theme == "dpo-light"
        await choose_theme(here, "nord")
        await here.until("Until you leave")


def segments(here: Screen, wanted: str) -> list[Segment]:
    """How the line that has a text is drawn."""
    strips = here.app.screen._compositor.render_strips(here.app.size)
    (strip,) = (each for each in strips if wanted in each.text)
    return [each for each in strip if each.text.strip(" │▐▌")]


def unreadable(segments: list[Segment], least: float) -> list[str]:
    """The parts of a line that hardly stand out from their ground."""
    bad = []
    for text, style, _ in segments:
        assert style
        assert style.color
        assert style.bgcolor
        if style.color.is_default or style.bgcolor.is_default:
            continue  # the terminal's own, one of which is made for the other
        color = Color(*style.color.get_truecolor())
        ground = Color(*style.bgcolor.get_truecolor())
        if contrast(color, ground) < least:
            bad.append(f"{text!r}: {contrast(color, ground):.2f}, {color} on {ground}")
    return bad


@pytest.mark.parametrize("theme", NAMES)
async def test_every_theme_has_what_the_screen_needs(tmp_path: Path, theme: str) -> None:
    # Some themes have muted text that is no stronger than this anywhere.
    least = 3 if theme in {each.name for each in OWN} else 2.2
    options = replace(PLAIN, labels=(("tone", "rude or cold"),))
    async with screen(
        tmp_path, ABC, prompts("first"), look=Look(theme=theme), options=options
    ) as here:
        await here.until("gamma text")
        await here.press("space")
        await here.until("✔ chosen")
        if not here.app.current_theme.ansi:
            can_be_read_in_the_current_title(here.app)
        await here.press("l")
        await here.until("undecided  ")
        assert not unreadable(segments(here, " 1 undecided"), least)
        await here.press("escape", "i", "tab")
        await here.until("rude or cold")
        assert not unreadable(segments(here, "rude or cold"), least)


def can_be_read_in_the_current_title(app: DpoTuiApp) -> None:
    palette = app.annotate.cards.palette
    ground = Color.parse(app.theme_variables["background"])
    for kind in ("card.number", "dim", *(each for each in STYLES if each.startswith("mark."))):
        style = palette.style("card.current", kind)
        assert style.color
        assert style.bgcolor
        text, bar = map(Color.from_rich_color, (style.color, style.bgcolor))
        assert contrast(text, bar) >= 4.5, (kind, text.hex, bar.hex)
        assert 1.2 <= contrast(bar, ground) <= 3, bar.hex
