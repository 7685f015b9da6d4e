"""The colours: a dark and a light theme of our own, beside those that Textual brings."""

from __future__ import annotations

from difflib import get_close_matches

from textual.theme import BUILTIN_THEMES, Theme

from dpo_tui.errors import InputError

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
)
OWN = (DARK, LIGHT)
NAMES = (*(theme.name for theme in OWN), *sorted(BUILTIN_THEMES))


def check_theme(name: str) -> None:
    """Refuse a theme that there isn't.

    Raises:
        InputError: names those that there are.
    """
    if name not in NAMES:
        close = get_close_matches(name, NAMES, n=1)
        hint = f"Did you mean {close[0]}? " if close else ""
        raise InputError(
            f"theme: there is none that is called {name!r}",
            remedy=f"{hint}Themes are: {', '.join(NAMES)}.",
        )
