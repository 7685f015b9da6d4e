"""What the command palette offers: every action that works on the screen, and the themes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.types import IgnoreReturnCallbackType

from dpo_tui.tui.actions import ACTIONS
from dpo_tui.tui.bindings import bound_keys
from dpo_tui.tui.keymap import key_name
from dpo_tui.tui.themes import NAMES

_IN_HELP = 0.01
"""The score of what is found in the help alone: below every label."""


class ActionCommands(Provider):
    """What the keys of the screen below do, by name."""

    async def discover(self) -> Hits:
        """All of them, in the order of the table."""
        for label, help_line, run in self._commands():
            yield DiscoveryHit(label, run, help=help_line)

    async def search(self, query: str) -> Hits:
        """Those whose label has the letters of the query, or whose help has it as it is."""
        matcher = self.matcher(query)
        for label, help_line, run in self._commands():
            in_help = query.casefold() in help_line.casefold()
            score = matcher.match(label) or in_help * _IN_HELP
            if score > 0:
                yield Hit(score, matcher.highlight(label), run, text=label, help=help_line)

    def _commands(self) -> Iterator[tuple[str, str, IgnoreReturnCallbackType]]:
        active = self.screen.active_bindings
        keys = bound_keys(active)
        bound = {each.binding.id: each for each in active.values()}
        # Choosing by number stands last: the digits themselves are quicker.
        for action in sorted(ACTIONS, key=lambda each: each.number is not None):
            if action.name in keys and action.name != "palette":
                node, binding, *_ = bound[action.name]
                said = ", ".join(map(key_name, keys[action.name]))
                run = partial(self.app.run_action, binding.action, node)
                yield action.label, f"{said}: {action.help}", run
        yield "theme", "Choose other colours.", partial(self.app.run_action, "app.change_theme")


class ThemeCommands(Provider):
    """The themes that there are."""

    async def discover(self) -> Hits:
        """All of them, our own first."""
        for name in NAMES:
            yield DiscoveryHit(name, self._use(name))

    async def search(self, query: str) -> Hits:
        """Those whose name has the letters of the query."""
        matcher = self.matcher(query)
        for name in NAMES:
            if (score := matcher.match(name)) > 0:
                yield Hit(score, matcher.highlight(name), self._use(name), text=name)

    def _use(self, name: str) -> IgnoreReturnCallbackType:
        return partial(self.app.run_action, f"app.use_theme({name!r})")
