"""The bottom line: the keys that work here."""

from __future__ import annotations

from textual.app import RenderResult
from textual.content import Content
from textual.widget import Widget

from dpo_tui.tui.actions import ACTIONS, Action


class KeyBar(Widget):
    """The actions that the table wants to be seen; where not all fit, the less important go."""

    def render(self) -> RenderResult:
        """As many as the width takes."""
        shown = [action for action in ACTIONS if action.bar_rank is not None]
        while len(shown) > 1 and _line(shown).cell_length > self.size.width:
            shown.remove(max(shown, key=lambda action: action.bar_rank or 0))
        return _line(shown)


def _line(actions: list[Action]) -> Content:
    keys = [
        Content.assemble(
            (action.key_name.split()[0], "bold $text-accent"),
            (f" {action.label}", "$foreground-muted"),
        )
        for action in actions
    ]
    return Content("  ").join(keys)
