"""Text that somebody else wrote."""

from __future__ import annotations

from textual.content import Content
from textual.geometry import Size
from textual.reactive import Reactive
from textual.widgets import Static

from dpo_tui.display import display


class ForeignText(Static):
    """A Static that shows foreign text as plain text: no markup, no escapes, nothing acts."""

    # Textual would lay the whole screen out a second time whenever the height changes.
    virtual_size = Reactive(Size(0, 0), repaint=False)

    def __init__(self, text: str = "", *, classes: str | None = None) -> None:
        super().__init__(Content(display(text)), markup=False, classes=classes)
        self._text = text

    @property
    def text(self) -> str:
        """What is shown, as it was given."""
        return self._text

    def show(self, text: str) -> None:
        """Show other text; the same one costs nothing."""
        if text != self._text:
            self._text = text
            self.update(Content(display(text)))
