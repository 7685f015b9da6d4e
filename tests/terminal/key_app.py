"""An app inside tmux that writes down the name of every key that it gets, until escape."""

import subprocess
import sys
from pathlib import Path

from textual import events
from textual.app import App

from dpo_tui.tui.driver import Driver


def signal(channel: str) -> None:
    """Let `tmux wait-for` go on."""
    subprocess.run(["tmux", "wait-for", "-S", channel], check=True)


class KeyApp(App[None], inherit_bindings=False):
    """Says `ready`, and `done` when it has written its file."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self) -> None:
        super().__init__(driver_class=Driver)
        self.keys: list[str] = []

    def on_ready(self) -> None:
        signal("ready")

    def on_key(self, event: events.Key) -> None:
        event.prevent_default()
        if event.key == "escape":
            self.exit()
        else:
            self.keys.append(event.key)


if __name__ == "__main__":
    app = KeyApp()
    app.run(mouse=False)
    Path(sys.argv[1]).write_text("\n".join(app.keys))
    signal("done")
