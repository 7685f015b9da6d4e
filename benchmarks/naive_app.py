"""What one would write with Textual's own widgets: a card is a container, a text a Markdown Static.

python -m benchmarks.naive_app CARDS TEXT_FILE
"""

from __future__ import annotations

import sys
from pathlib import Path

from rich.markdown import Markdown
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Footer, Static


class Card(Static):
    """A response that can be chosen."""

    DEFAULT_CSS = """
    Card { border: round gray; height: auto; }
    Card.chosen { border: round green; }
    Card:focus { background: $boost; }
    """
    can_focus = True

    def __init__(self, number: int, text: str) -> None:
        super().__init__(Markdown(text))
        self.border_title = f"{number}"

    def toggle(self) -> None:
        """Choose it, or take that back."""
        self.toggle_class("chosen")
        self.border_subtitle = "chosen" if self.has_class("chosen") else ""


class NaiveApp(App[None]):
    """Cards are removed and mounted anew from group to group."""

    BINDINGS = [  # noqa: RUF012 (Textual's own way to declare them)
        ("space", "mark", "choose"),
        ("enter", "next", "confirm"),
        ("j", "app.focus_next", "down"),
        ("k", "app.focus_previous", "up"),
    ]

    def __init__(self, cards: int, text: str) -> None:
        super().__init__()
        self.animation_level = "none"
        self._count = cards
        self._text = text
        self._group = 0

    def compose(self) -> ComposeResult:
        """A heading, the cards, the keys."""
        yield Static("group 1", id="heading")
        with VerticalScroll(can_focus=False):
            yield from self._cards()
        yield Footer()

    def _cards(self) -> list[Card]:
        head = f"response to group {self._group + 1}: "
        return [Card(number + 1, head + self._text) for number in range(self._count)]

    def on_mount(self) -> None:
        """Begin with the first card."""
        self.query(Card).first().focus()

    def action_mark(self) -> None:
        """Choose the focused card."""
        if isinstance(self.focused, Card):
            self.focused.toggle()

    async def action_next(self) -> None:
        """Show the next group."""
        self._group += 1
        scroll = self.query_one(VerticalScroll)
        self.query_one("#heading", Static).update(f"group {self._group + 1}")
        with self.batch_update():
            await scroll.remove_children()
            await scroll.mount_all(self._cards())
        self.query(Card).first().focus()


if __name__ == "__main__":
    NaiveApp(int(sys.argv[1]), Path(sys.argv[2]).read_text(encoding="utf-8")).run(mouse=False)
