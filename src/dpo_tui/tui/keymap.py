"""Which keys do what: the actions' own keys, a preset, and the `[keys]` table of config.toml.

Pure: it is read, and what is wrong is told, before there is a screen.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from msgspec import Struct

from dpo_tui.errors import InputError
from dpo_tui.inputs import Place, unknown_key, validated
from dpo_tui.tui.actions import ACTIONS, ALWAYS_QUITS, BY_NAME, Action

TABLE = "keys"
_PRESET = "preset"

Keys = tuple[str, ...]

PRESETS: Mapping[str, Mapping[str, Keys]] = {
    "default": {},
    "vim": {
        "next_column": ("l", "right"),
        "previous_column": ("h", "left"),
        "last_card": ("G", "end"),
        "page_down": ("ctrl+f", "pagedown"),
        "page_up": ("ctrl+b", "pageup"),
        "line_down": ("ctrl+e", "J"),
        "line_up": ("ctrl+y", "K"),
        "redo": ("ctrl+r", "U"),
        "groups": ("L",),
    },
}
"""What differs from the actions' own keys, by the preset's name."""

NAMED_KEYS = (
    *("space", "enter", "tab", "shift+tab", "backspace", "insert", "delete", "home", "end"),
    *("pageup", "pagedown", "up", "down", "left", "right"),
    *(f"f{number}" for number in range(1, 13)),
)
"""Keys without a character that every terminal sends as such."""
_SHORT = {"pagedown": "pgdn", "pageup": "pgup", "insert": "ins", "delete": "del"}
_ALIASES = {" ": "space", "return": "enter"} | {short: key for key, short in _SHORT.items()}
_TEXTUAL_NAMES = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}
"""Where Textual calls a character otherwise than Unicode does."""
_FLOW_CONTROL = "stops or starts the output of many terminals"
_REFUSED = {
    ALWAYS_QUITS: "always leaves, and can't do anything else",
    "escape": "always leads back, and can come by itself: on a slow link arrow keys are torn",
    "ctrl+i": "is the same as tab to a terminal",
    "ctrl+m": "is the same as enter to a terminal",
    "ctrl+j": "comes as a line break with what is pasted",
    "ctrl+h": "is the same as backspace to a terminal",
    "ctrl+s": _FLOW_CONTROL,
    "ctrl+q": _FLOW_CONTROL,
}
_CHORD = re.compile(r"^(ctrl|shift|alt)-(?=.)")
_CTRL_LETTER = re.compile(r"ctrl\+[a-z]")


class Keymap(Struct, frozen=True):
    """The keys of every action."""

    keys: Mapping[str, Keys]
    """By the action's name; only what differs from its own keys."""

    def of(self, action: Action) -> Keys:
        """The keys of an action; the first one is shown."""
        return self.keys.get(action.name, action.keys)


DEFAULT_KEYMAP = Keymap({})


def read_keymap(table: Mapping[str, object], file: Place) -> Keymap:
    """The keymap that a `[keys]` table describes.

    Raises:
        InputError: it names no action or key, a key that many terminals don't send, or one key for
            two actions.
    """
    said = dict(table)
    preset = validated(said.pop(_PRESET, "default"), str, file, key=f"{TABLE}.{_PRESET}")
    if preset not in PRESETS:
        raise file.error(
            f"there is no preset {preset!r}",
            key=f"{TABLE}.{_PRESET}",
            remedy=f"Presets are: {', '.join(PRESETS)}.",
        )
    keys = {name: keys for name, keys in PRESETS[preset].items() if name in BY_NAME}
    for name, value in said.items():
        if name not in BY_NAME:
            raise unknown_key(name, (_PRESET, *BY_NAME), file, within=TABLE)
        keys[name] = _keys(value, file, f"{TABLE}.{name}")
    keymap = Keymap(keys)
    _check_conflicts(keymap, said, file)
    return keymap


def textual_name(key: str) -> str:
    """Textual's name of a key: it spells out characters that are neither letters nor digits."""
    if len(key) > 1 or key.isalnum():
        return key
    name = unicodedata.name(key).lower().replace("-", "_").replace(" ", "_")
    return _TEXTUAL_NAMES.get(name, name)


CHARACTERS: Mapping[str, str] = {
    textual_name(character): character
    for character in (*map(chr, range(ord("!"), 0x100)), "€")
    if character.isprintable() and not character.isalnum()
}
"""By Textual's name, the characters of keyboards that it spells out."""


def key_name(key: str) -> str:
    """A key as a person would say it; `read_keymap` understands it too."""
    return _SHORT.get(key, key).replace("ctrl+", "ctrl-").replace("shift+", "shift-")


def _keys(value: object, file: Place, where: str) -> Keys:
    """The keys of one action: text, or a list of texts."""
    listed = validated([value] if isinstance(value, str) else value, list[str], file, key=where)
    if not listed:
        raise file.error(
            "an action needs a key",
            key=where,
            remedy="Name one, or take the line out for the key that it has by itself.",
        )
    return tuple(dict.fromkeys(_key(each, file, where) for each in listed))


def _key(text: str, file: Place, where: str) -> str:
    """One key by the name that the table of actions would use."""
    key = text if len(text) == 1 else _CHORD.sub(r"\1+", text.lower())
    key = _ALIASES.get(key) or CHARACTERS.get(key) or key
    if problem := _problem(key):
        raise file.error(f"{text!r}: {problem}", key=where, remedy=_REMEDY)
    return key


_REMEDY = (
    'A key is a character ("x", "X", "="), ctrl and a letter ("ctrl+d"), or one of: '
    f"{', '.join(NAMED_KEYS[:-12])}, f1 to f12."
)


def _problem(key: str) -> str:
    """Why a key can't be bound; empty if it can."""
    is_good = (
        key in NAMED_KEYS or _CTRL_LETTER.fullmatch(key) or (len(key) == 1 and key.isprintable())
    )
    if key in _REFUSED or is_good:
        return _REFUSED.get(key, "")
    if re.fullmatch(r"shift\+\w", key):
        return f"is written as the character that it gives: {key[-1].upper()!r}"
    if key.startswith(("ctrl+", "alt+", "shift+", "meta+", "super+", "hyper+")):
        return "is not sent by every terminal, or lost in tmux, screen or ssh"
    return "is no key that is known here"


def _check_conflicts(keymap: Keymap, said: Mapping[str, object], file: Place) -> None:
    """Refuse one key for two actions: all of them work on the screen for annotating."""
    taken: dict[str, Action] = {}
    for action in ACTIONS:
        for key in keymap.of(action):
            if (other := taken.setdefault(key, action)) is not action:
                raise _conflict(key, (other, action), said, file)


def _conflict(
    key: str, actions: tuple[Action, Action], said: Mapping[str, object], file: Place
) -> InputError:
    """The error about two actions on one key: it points at the one that was rebound."""
    kept, moved = actions if actions[1].name in said else actions[::-1]
    return file.error(
        f"{key!r} is also the key of {kept.name} ({kept.label})",
        key=f"{TABLE}.{moved.name}",
        remedy=f"Take another key, or give {kept.name} one: {kept.name} = "
        f'"..." in the table [{TABLE}].',
    )
