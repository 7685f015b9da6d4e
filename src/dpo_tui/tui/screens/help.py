"""The keys and the rules, in one page that is made from the action table."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from dpo_tui.tui.actions import APP, JUDGE, MOVE, NUMBERS, Action

_RULES = """\
Unmarked responses count as rejected when you confirm; x keeps one out of every pair. A response \
that is cut off, empty or failed is in no pair. Nothing chosen, or nothing rejected, is a decision \
too: it gives no pairs.

Every key is on disk before the screen moves on. Leave whenever you like, or lose the link: the \
next start shows this group with these marks."""


class HelpScreen(ModalScreen[None]):
    """Leaves by the key that opened it, by q or by escape."""

    BINDINGS = [  # noqa: RUF012 (Textual's own way to declare them)
        Binding("question_mark,escape,q,enter", "dismiss", "back"),
        Binding("j,down", "scroll(1)", "down"),
        Binding("k,up", "scroll(-1)", "up"),
        Binding("pagedown,space", "scroll(10)", "page down"),
        Binding("pageup", "scroll(-10)", "page up"),
    ]

    def compose(self) -> ComposeResult:
        """A table of keys and the rules of marking."""
        with VerticalScroll(can_focus=False):
            yield Static("Keys", classes="heading", markup=False)
            yield Static(_table(JUDGE))
            yield Static(_table((_numbers(), *MOVE)))
            yield Static(_table(APP))
            yield Static("Rules", classes="heading", markup=False)
            yield Static(_RULES, markup=False)

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)


def _numbers() -> Action:
    first, last = NUMBERS[0], NUMBERS[-1]
    keys = (f"{first.keys[0]}-{last.keys[0]}",)
    return Action("", keys, "", "Choose a response by its number, or take that back.")


def _table(actions: tuple[Action, ...]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(width=12, no_wrap=True)
    table.add_column()
    for action in actions:
        table.add_row(Text(action.key_name, "bold"), Text(action.help))
    table.add_row("", "")
    return table
