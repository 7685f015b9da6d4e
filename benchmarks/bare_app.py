"""The least that a Textual program can be: what it takes to show anything at all."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import Static

FIRST_FRAME = "first frame"


class BareApp(App[None]):
    """One line of text."""

    def compose(self) -> ComposeResult:
        """Show it."""
        yield Static(FIRST_FRAME)


if __name__ == "__main__":
    BareApp().run(mouse=False)
