"""Through tmux every key that can be bound arrives as what it is, and text stands in its place."""

import json
import shutil
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dpo_tui.tui.actions import ACTIONS
from dpo_tui.tui.keymap import NAMED_KEYS, PRESETS, textual_name
from tests.terminal.terminal import PATIENCE, isolated_environment
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux")

TMUX_NAMES = {
    "space": "Space",
    "enter": "Enter",
    "tab": "Tab",
    "shift+tab": "BTab",
    "end": "End",
    "backspace": "BSpace",
    "insert": "IC",
    "delete": "DC",
    "home": "Home",
    "up": "Up",
    "pageup": "PPage",
    "pagedown": "NPage",
    "down": "Down",
    "left": "Left",
    "right": "Right",
}
CHARACTERS = (*string.ascii_letters, *string.digits, *string.punctuation, "ö", "日")
CHORDS = tuple(f"ctrl+{letter}" for letter in string.ascii_lowercase if letter not in "cshijmq")


class Tmux:
    """A tmux server of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = isolated_environment(folder / "home")
        self.environment |= {"TMUX_TMPDIR": str(folder), "TERM": "xterm-256color"}

    def run(self, *words: str) -> str:
        """One tmux command, to its end."""
        return subprocess.run(
            ["tmux", "-f", "/dev/null", *words],
            env=self.environment,
            cwd=Path.cwd(),
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
        ).stdout

    def press(self, key: str) -> None:
        """A key by the name that the table of actions has."""
        if len(key) == 1:
            self.run("send-keys", "-l", "--", key.replace(";", "\\;"))
        elif key.startswith("ctrl+"):
            self.run("send-keys", f"C-{key[-1]}")
        else:
            self.run("send-keys", TMUX_NAMES.get(key, key.upper() if key[0] == "f" else key))


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    here = Tmux(tmp_path)
    yield here
    subprocess.run(["tmux", "kill-server"], env=here.environment, check=False, capture_output=True)


def test_every_key_that_can_be_bound_arrives(tmux: Tmux, tmp_path: Path) -> None:
    found = tmp_path / "keys"
    keys = (*NAMED_KEYS, *CHARACTERS, *CHORDS)
    command = [sys.executable, "-m", "tests.terminal.key_app", str(found)]
    tmux.run("new-session", "-d", "-x", "80", "-y", "24", *command)
    tmux.run("wait-for", "ready")
    for key in keys:
        tmux.press(key)
    tmux.run("send-keys", "Escape")
    tmux.run("wait-for", "done")
    assert found.read_text().split("\n") == [textual_name(key) for key in keys]
    bound = {key for each in ACTIONS for key in each.keys}
    bound |= {key for preset in PRESETS.values() for some in preset.values() for key in some}
    assert bound <= set(keys)


def test_what_stands_behind_an_emoji_stands_in_its_place(tmux: Tmux, tmp_path: Path) -> None:
    emoji = ("ab", "\u26a0\ufe0f", "\U0001f44d\U0001f3fd", "\U0001f3f3\ufe0f\u200d\U0001f308")
    lines = "\n\n".join(f"{each} left" for each in emoji)
    row = {"prompt": "one", "responses": [lines, "right\n\n" * len(emoji)]}
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row))
    command = [sys.executable, "-m", "dpo_tui", "annotate", str(path), "--no-shuffle"]
    tmux.run("new-session", "-d", "-s", "app", "-x", "130", "-y", "24", *command)
    tmux.run("new-session", "-d", "-s", "ruler", "-x", "130", "-y", "24", "cat")

    def screen() -> str:
        return tmux.run("capture-pane", "-p", "-t", "app")

    def width(text: str) -> int:
        """The cells that tmux itself takes it for."""
        tmux.run("send-keys", "-t", "ruler", "Enter")
        wait_until(lambda: cursor() == 0)
        tmux.run("send-keys", "-t", "ruler", "-l", f"{text}.")
        wait_until(lambda: tmux.run("capture-pane", "-p", "-t", "ruler").rstrip().endswith("."))
        return cursor() - 1

    def cursor() -> int:
        return int(tmux.run("display-message", "-p", "-t", "ruler", "#{cursor_x}"))

    wait_until(lambda: "right" in screen())
    tmux.run("send-keys", "-t", "app", "c")
    wait_until(lambda: any("left" in line and "right" in line for line in screen().splitlines()))
    shown = [line for line in screen().splitlines() if "right" in line]
    assert len(shown) == len(emoji)
    assert len({width(line.partition("left")[0]) for line in shown}) == 1, screen()
    assert len({width(line.partition("right")[0]) for line in shown}) == 1, screen()
