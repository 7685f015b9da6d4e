"""What the help screen and `docs/keys.md` say: the keys by section, and the rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from dpo_tui.tui.actions import ACTIONS, ALWAYS_QUITS, Action, Section
from dpo_tui.tui.keymap import Keymap, key_name

RULES = """\
Unmarked responses count as rejected when you confirm; excluded ones are kept out of every pair. \
A response that is cut off, empty or failed is in no pair. Nothing chosen, or nothing rejected, is \
a decision too: it gives no pairs. A decided group can be decided again.

Every key is saved before the screen moves on. Leave whenever you like, or lose the link: the \
next start shows this group with these marks."""


class Line(NamedTuple):
    """What some keys do."""

    keys: tuple[str, ...]
    """As a person would say them."""
    help: str
    names: tuple[str, ...]
    """The actions, as config.toml calls them."""


def sections(keymap: Keymap) -> Iterator[tuple[Section, list[Line]]]:
    """The sections that have actions, each with its lines."""
    for section in Section:
        actions = [action for action in ACTIONS if action.section is section]
        numbers = [action for action in actions if action.number]
        lines = [
            _numbers(numbers, keymap) if action.number else _line(action, keymap)
            for action in actions
            if action.number in {None, 1}
        ]
        if lines:
            yield section, lines


def _line(action: Action, keymap: Keymap) -> Line:
    keys = keymap.of(action)
    if action.name == "quit":
        keys = (*keys, ALWAYS_QUITS)
    return Line(tuple(map(key_name, keys)), action.help, (action.name,))


def _numbers(actions: list[Action], keymap: Keymap) -> Line:
    """One line for all actions that do the same with another number."""
    keys = tuple(key_name(key) for action in actions for key in keymap.of(action))
    if keys == tuple(map(str, range(1, 10))):
        keys = ("1-9",)
    names = tuple(action.name for action in actions)
    return Line(keys, "Choose by number; 10 and more have two digits.", names)
