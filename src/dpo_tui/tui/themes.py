"""The colours: a dark, a light and a 16-colour theme of our own, beside Textual's."""

from __future__ import annotations

from difflib import get_close_matches

from rich.console import Console
from textual.color import Color
from textual.constants import COLOR_SYSTEM
from textual.theme import BUILTIN_THEMES, Theme

from dpo_tui.inputs import Place

DARK = Theme(
    name="dpo-dark",
    primary="#7aa2f7",
    secondary="#bb9af7",
    accent="#7dcfff",
    success="#9ece6a",
    warning="#e0af68",
    error="#f7768e",
    foreground="#d5daee",
    background="#14161f",
    surface="#1a1d2a",
    panel="#232738",
    dark=True,
    variables={
        "foreground-muted": "#a3abc7",
        "foreground-disabled": "#7d86a6",
        "current": "#2f3b5c",
    },
)
LIGHT = Theme(
    name="dpo-light",
    primary="#2e5fbf",
    secondary="#7847bd",
    accent="#00739c",
    success="#3d7a1f",
    warning="#9a6200",
    error="#c4314b",
    foreground="#20242f",
    background="#f7f8fb",
    surface="#eef0f6",
    panel="#e1e5ef",
    dark=False,
    variables={
        "foreground-muted": "#535a6e",
        "foreground-disabled": "#6d7489",
        "current": "#c9d6f2",
    },
)
SIXTEEN = Theme(
    name="dpo-16",
    ansi=True,
    primary="ansi_cyan",
    secondary="ansi_magenta",
    accent="ansi_bright_cyan",
    success="ansi_green",
    warning="ansi_yellow",
    error="ansi_bright_red",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    dark=True,
    variables={**BUILTIN_THEMES["ansi-dark"].variables, "current": "ansi_blue"},
)
"""Of the terminal's own 16 colours, on its own ground."""
OWN = (DARK, LIGHT, SIXTEEN)
NAMES = (*(theme.name for theme in OWN), *sorted(BUILTIN_THEMES))


def check_theme(name: str, place: Place) -> None:
    """Refuse a theme that there isn't; `place` is where it was said.

    Raises:
        InputError: names those that there are.
    """
    if name not in NAMES:
        close = get_close_matches(name, NAMES, n=1)
        hint = f"Did you mean {close[0]}? " if close else ""
        raise place.error(
            f"there is no theme {name!r}", remedy=f"{hint}Themes are: {', '.join(NAMES)}."
        )


def terminal_colors() -> str | None:
    """How many colours the terminal has, by Rich's name for it; None if it has none."""
    # Textual passes its constant on like this too.
    console = Console(color_system=COLOR_SYSTEM, force_terminal=True)  # type: ignore[arg-type]
    return console.color_system


def first_theme(said: str, remembered: str, color_system: str | None) -> str:
    """The theme to begin with: what was set, else what was chosen last, else what fits."""
    if said or remembered in NAMES:
        return said or remembered
    # Our own colours would all become grey among 16.
    return SIXTEEN.name if color_system == "standard" else DARK.name


def with_own_variables(name: str, variables: dict[str, str]) -> dict[str, str]:
    """The colours of the theme of that name with those that we have beside Textual's.

    `current` is the ground of the title of the current response. Themes of the terminal's own
    colours lack `foreground-disabled`.
    """
    disabled = variables["foreground-muted"]
    primary = Color.parse(variables["primary"])
    if name == "ansi-light":
        ground = "ansi_white"
    elif primary.ansi is not None:
        ground = variables["primary"]
    else:  # blended here, since what is drawn knows no transparent grounds
        ground = Color.parse(variables["background"]).blend(primary, 0.3, alpha=1).hex
    return {"current": ground, "foreground-disabled": disabled, **variables}
