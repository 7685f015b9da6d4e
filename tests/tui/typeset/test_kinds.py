"""Every kind has a look that every theme can show, and that is told apart without colour."""

import re

import pytest
from textual.app import App
from textual.style import Style

from dpo_tui.tui.typeset.kinds import KINDS, PALETTE
from dpo_tui.tui.widgets.line_view import LineView


def test_every_kind_has_a_meaning_and_a_style() -> None:
    assert list(PALETTE) == list(KINDS)
    assert all(KINDS.values())


def test_what_is_drawn_has_the_styles_of_its_kinds() -> None:
    view = LineView()
    assert {kind: view.style_of(kind) for kind in KINDS} == PALETTE


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light", "ansi-dark", "nord"])
async def test_every_style_is_known_to_the_theme(theme: str) -> None:
    app = App[None]()
    async with app.run_test():
        app.theme = theme
        for style in PALETTE.values():
            assert set(re.findall(r"\$([\w-]+)", style)) <= set(app.theme_variables)
            assert bool(Style.parse(style, app.theme_variables)) == bool(style)


def test_what_matters_is_told_apart_without_colour() -> None:
    bare = {kind: re.sub(r"\$\S+", "", style).split() for kind, style in PALETTE.items()}
    assert "reverse" in bare["match"]
    assert bare["added"] != bare["common"]
    assert bare["removed"] != bare["common"]
    assert bare["strong"] != bare["emphasis"] != bare["text"]
    assert bare["heading"] != bare["text"]
