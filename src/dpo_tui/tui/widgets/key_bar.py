"""The bottom line: the keys that work here."""

from __future__ import annotations

from textual.app import RenderResult
from textual.content import Content
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget

from dpo_tui.tui.actions import ACTIONS, Action
from dpo_tui.tui.bindings import bound_keys
from dpo_tui.tui.keymap import key_name

Shown = tuple[tuple[Action, str], ...]
"""Actions, each with the key that is told."""


class KeyBar(Widget):
    """The actions that work on this screen; where not all fit, the less important ones go.

    Follows the screen's bindings: `Screen.refresh_bindings` when what `check_action` says changes.
    """

    _shown: reactive[Shown] = reactive(())

    def on_mount(self) -> None:
        """Follow the screen's bindings."""
        self.screen.bindings_updated_signal.subscribe(self, self._look)
        self._look(self.screen)

    def _look(self, screen: Screen[object]) -> None:
        keys = bound_keys(screen.active_bindings)
        self._shown = tuple(
            (action, keys[action.name][0])
            for action in ACTIONS
            if action.bar_rank is not None and action.name in keys
        )

    def render(self) -> RenderResult:
        """As many as the width takes, in the order of the table."""
        shown = list(self._shown)
        while len(shown) > 1 and _line(shown).cell_length > self.size.width:
            shown.remove(max(shown, key=lambda each: each[0].bar_rank or 0))
        return _line(shown)


def _line(shown: list[tuple[Action, str]]) -> Content:
    return Content("  ").join(
        Content.assemble(
            (key_name(key), "bold $text-accent"), (f" {action.label}", "$foreground-muted")
        )
        for action, key in shown
    )
