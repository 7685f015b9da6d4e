"""What the model was asked."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text
from textual.containers import VerticalScroll
from textual.widgets import Static

from dpo_tui.display import display, display_line
from dpo_tui.domain.model import Message

_ROLE_WIDTH = len("assistant")


class PromptPane(VerticalScroll, can_focus=False):
    """The conversation, at most a third of the screen; folded, its last line alone."""

    def __init__(self) -> None:
        self._text = Static(markup=False)
        super().__init__(self._text)
        self._messages: Sequence[Message] = ()
        self._folded = False

    def show(self, messages: Sequence[Message]) -> None:
        """Show a prompt from its beginning, or its end if it is a conversation."""
        self._messages = messages
        self._paint()
        turns = [message for message in messages if message.role != "system"]
        if len(turns) > 1:
            self.call_after_refresh(self.scroll_end, animate=False)
        else:
            self.scroll_home(animate=False)

    def toggle_fold(self) -> None:
        """Fold to one line, or unfold."""
        self._folded = not self._folded
        self._paint()

    def _paint(self) -> None:
        shown = self._messages[-1:] if self._folded else self._messages
        grid = Table.grid(padding=(0, 1), expand=True)
        grid.add_column(no_wrap=True, width=_ROLE_WIDTH)
        grid.add_column(
            ratio=1, no_wrap=self._folded, overflow="ellipsis" if self._folded else "fold"
        )
        clean = display_line if self._folded else display
        for message in shown:
            grid.add_row(Text(message.role, "bold"), Text(clean(message.content)))
        self._text.update(grid)
