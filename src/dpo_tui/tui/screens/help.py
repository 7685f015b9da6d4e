"""The keys and the rules, in one page that is made from the table of actions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from dpo_tui.tui.actions import Section
from dpo_tui.tui.bindings import rebind, same_keys
from dpo_tui.tui.key_page import RULES, Line, sections
from dpo_tui.tui.keymap import Keymap

_KEYS_WIDTH = 11


class HelpScreen(ModalScreen[None]):
    """Leaves by the key that opened it, by the one that quits elsewhere, or by escape."""

    BINDINGS = [  # noqa: RUF012 (Textual's own way to declare them)
        Binding("escape", "dismiss", "back"),
        same_keys("help", "dismiss"),
        same_keys("quit", "dismiss"),
        same_keys("confirm", "dismiss"),
        same_keys("choose", "scroll_pages(1)"),
        same_keys("next_card", "scroll_lines(1)"),
        same_keys("previous_card", "scroll_lines(-1)"),
        same_keys("page_down", "scroll_pages(1)"),
        same_keys("page_up", "scroll_pages(-1)"),
        same_keys("half_page_down", "scroll_pages(0.5)"),
        same_keys("half_page_up", "scroll_pages(-0.5)"),
        same_keys("first_card", "scroll_pages(-1000)"),
        same_keys("last_card", "scroll_pages(1000)"),
    ]

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (138, "-wide")]  # noqa: RUF012 (Textual's own way)

    def __init__(self, keymap: Keymap) -> None:
        super().__init__()
        rebind(self, keymap)
        self._keymap = keymap
        self._page = VerticalScroll(can_focus=False)

    def compose(self) -> ComposeResult:
        """The keys by section and the rules of marking, in two columns where the width allows."""
        said = [(heading, _table(lines)) for heading, lines in sections(self._keymap)]
        of_moving = [heading for heading, _ in said].index(Section.MOVE)
        with self._page, Container():
            yield Vertical(*_statics(said[:of_moving]))
            yield Vertical(*_statics([*said[of_moving:], ("Rules", Text(RULES))]))

    def action_scroll_lines(self, lines: int) -> None:
        """Scroll by lines."""
        self._page.scroll_relative(y=lines, animate=False)

    def action_scroll_pages(self, pages: float) -> None:
        """Scroll by pages, a line of overlap kept."""
        height = max(1, self._page.size.height - 1)
        self._page.scroll_relative(y=round(height * pages), animate=False)


def _statics(said: Sequence[tuple[str, Table | Text]]) -> Iterator[Static]:
    for heading, text in said:
        yield Static(heading, classes="heading", markup=False)
        yield Static(text)


def _table(lines: Sequence[Line]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(width=_KEYS_WIDTH)
    table.add_column()
    for line in lines:
        table.add_row(Text(" ".join(line.keys), "bold"), Text(line.help))
    table.add_row("", "")
    return table
