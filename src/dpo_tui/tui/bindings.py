"""From the table of actions to Textual's bindings and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.binding import ActiveBinding, Binding, BindingType
from textual.dom import DOMNode
from textual.screen import Screen

from dpo_tui.tui.actions import ACTIONS, ALWAYS_QUITS, BY_NAME, Scope
from dpo_tui.tui.keymap import CHARACTERS, Keymap, Keys, key_name, textual_name


def bindings(scope: Scope) -> list[BindingType]:
    """What a screen, or the app for everywhere, binds. `rebind` may change the keys."""
    return [
        Binding(
            _joined(action.keys),
            action.call or action.name,
            action.label,
            tooltip=action.help,
            id=action.name,
        )
        for action in ACTIONS
        if action.scope is scope
    ]


NEEDS_GROUP = frozenset(
    action.method.removeprefix("action_") for action in ACTIONS if action.needs_group
)
"""What is of no use without a group on the screen, as `check_action` is asked about it."""


def same_keys(name: str, call: str) -> Binding:
    """A binding of another purpose to the keys that an action has elsewhere, rebound or not."""
    return Binding(_joined(BY_NAME[name].keys), call, id=name)


ALWAYS = Binding(ALWAYS_QUITS, "quit", show=False, priority=True, system=True)
"""Goes before what is focused, so that it also works where text is typed."""


def rebind(node: DOMNode, keymap: Keymap) -> None:
    """Give a screen or the app the keys that the person wants, once and for all.

    `App.set_keymap` would do it anew at every key press, which takes as long as all the rest.
    """
    node._bindings.apply_keymap({name: _joined(keys) for name, keys in keymap.keys.items()})


def bound_keys(active: Mapping[str, ActiveBinding]) -> dict[str, Keys]:
    """The keys that work on a screen now, by the action's name; from `Screen.active_bindings`."""
    keys: dict[str, Keys] = {}
    for key, (_, binding, enabled, _) in active.items():
        if enabled and binding.id:
            keys[binding.id] = (*keys.get(binding.id, ()), _plain_name(key))
    return keys


def told_key(screen: Screen[Any], name: str) -> str:
    """The key of an action as it is bound now, as a person would say it."""
    keys = bound_keys(screen.active_bindings).get(name) or BY_NAME[name].keys
    return key_name(keys[0])


def _joined(keys: Keys) -> str:
    return ",".join(map(textual_name, keys))


def _plain_name(key: str) -> str:
    """A key of Textual's as the table of actions has it."""
    return CHARACTERS.get(key, key)
