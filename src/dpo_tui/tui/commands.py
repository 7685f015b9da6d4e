"""The command palette: every action that works on the screen, and the choice of a theme."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.types import IgnoreReturnCallbackType

from dpo_tui.tui.actions import ACTIONS
from dpo_tui.tui.bindings import bound_keys
from dpo_tui.tui.keymap import key_name


class ActionCommands(Provider):
    """What the keys of the screen below do, by name."""

    async def discover(self) -> Hits:
        """All of them, in the order of the table."""
        for label, help_line, run in self._commands():
            yield DiscoveryHit(label, run, help=help_line)

    async def search(self, query: str) -> Hits:
        """Those whose label or help has the letters of the query."""
        matcher = self.matcher(query)
        for label, help_line, run in self._commands():
            score = max(matcher.match(label), matcher.match(help_line) / 2)
            if score > 0:
                yield Hit(score, matcher.highlight(label), run, text=label, help=help_line)

    def _commands(self) -> Iterator[tuple[str, str, IgnoreReturnCallbackType]]:
        active = self.screen.active_bindings
        keys = bound_keys(active)
        bound = {each.binding.id: each for each in active.values()}
        for action in ACTIONS:
            if action.name in keys and action.name != "palette":
                node, binding, *_ = bound[action.name]
                said = ", ".join(map(key_name, keys[action.name]))
                run = partial(self.app.run_action, binding.action, node)
                yield action.label, f"{said}: {action.help}", run
        yield "theme", "Choose other colours.", partial(self.app.run_action, "change_theme")
