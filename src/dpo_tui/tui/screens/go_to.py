"""Asking for the number or the id of a group."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static


class GoToScreen(ModalScreen[str]):
    """Enter goes there, escape stays here."""

    BINDINGS = [Binding("escape", "dismiss", "stay here")]  # noqa: RUF012 (Textual's own way)

    def __init__(self) -> None:
        super().__init__()
        self._input = Input(placeholder="number or id of a group")

    def compose(self) -> ComposeResult:
        """One line to type in."""
        with Vertical():
            yield Static(Content.styled("Go to", "bold $text-primary"), markup=False)
            yield self._input

    def on_mount(self) -> None:
        """Begin to type at once."""
        self._input.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter; what is typed behind it may be in the line already."""
        self.dismiss(event.value.strip())
