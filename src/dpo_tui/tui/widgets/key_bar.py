"""The bottom line: the keys that work here."""

from __future__ import annotations

from textual.reactive import reactive
from textual.screen import Screen
from textual.strip import Strip

from dpo_tui.tui.actions import ACTIONS, Action
from dpo_tui.tui.bindings import bound_keys
from dpo_tui.tui.keymap import key_name
from dpo_tui.tui.typeset.cells import cells
from dpo_tui.tui.typeset.spans import Span, plain
from dpo_tui.tui.widgets.drawn import Drawn
from dpo_tui.tui.widgets.words import EDGE, line_of

Shown = tuple[tuple[Action, str], ...]
"""Actions, each with the key that is told."""


class KeyBar(Drawn):
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

    def render_line(self, y: int) -> Strip:
        """As many as the width takes, in the order of the table."""
        del y
        shown = list(self._shown)
        while len(shown) > 1 and cells(plain(_line(shown))) > self.size.width - 2 * EDGE:
            shown.remove(max(shown, key=lambda each: each[0].bar_rank or 0))
        return line_of(_line(shown), self.palette, self.size.width).strip


def _line(shown: list[tuple[Action, str]]) -> list[Span]:
    spans: list[Span] = []
    for action, key in shown:
        spans += [
            ("  " if spans else "", ""),
            (key_name(key), "bold $text-accent"),
            (f" {action.label}", "$foreground-muted"),
        ]
    return spans
