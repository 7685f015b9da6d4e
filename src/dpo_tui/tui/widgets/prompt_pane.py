"""What the model was asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len, set_cell_size
from textual.geometry import Size

from dpo_tui.display import display_line
from dpo_tui.domain.model import Message
from dpo_tui.tui.page import Piece, column_width
from dpo_tui.tui.typeset import Line, find, typeset
from dpo_tui.tui.widgets.line_view import EDGES, LineView

_ROLE_WIDTH = len("assistant") + 1


class PromptPane(LineView):
    """The conversation, at most a third of the screen; folded, the last line of its last turn."""

    def __init__(self) -> None:
        super().__init__()
        self._query = ""
        self._messages: Sequence[Message] = ()
        self._folded = False
        self._lines: list[Line] = []
        self._set_for: tuple[object, ...] = ()
        """What the lines were set in type from."""

    @property
    def line_count(self) -> int:
        """How many lines there are."""
        return len(self._lines)

    def pieces(self, y: int) -> Iterable[Piece]:
        """What stands on a line."""
        if y < len(self._lines):
            yield Piece(0, self.text_width, "body", self._lines[y])

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """As many lines as the prompt has at this width."""
        self._set(width)
        return max(1, len(self._lines))

    def on_resize(self) -> None:
        """A prompt that ends with its newest turn is read from there."""
        self._set(self.size.width)
        self.scroll_lines_to(self.top)

    def show(self, messages: Sequence[Message]) -> None:
        """Show a prompt from its beginning, or its end if it is a conversation."""
        self._messages = messages
        before = self.line_count
        self._set(self.size.width)
        self.top = 0
        self.refresh(layout=self.line_count != before)
        self._move_thumb()
        turns = [message for message in messages if message.role != "system"]
        if len(turns) > 1:
            self.call_after_refresh(self.scroll_lines_to, len(self._lines))

    def search(self, query: str) -> None:
        """Mark where a text occurs, and go to the first place; an empty one ends that."""
        self._query = query
        self._set(self.size.width)
        self.scroll_lines_to(self.top)
        self.refresh()

    def toggle_fold(self) -> None:
        """Fold to one line, or unfold."""
        self._folded = not self._folded
        self.top = 0
        self.refresh(layout=True)

    def unfold(self) -> None:
        """Show all of it."""
        if self._folded:
            self.toggle_fold()

    def _set(self, width: int) -> None:
        wanted = (self._messages, self._folded, width, self._query)
        if width and wanted != self._set_for:
            self._set_for = wanted
            room = column_width(width - EDGES, 1) - _ROLE_WIDTH
            lines = self._last_line(room) if self._folded else self._all_lines(room)
            self._lines, matches = find(lines, self._query) if self._query else (lines, ())
            if matches:
                self.top = matches[0]

    def _last_line(self, room: int) -> list[Line]:
        last = self._messages[-1]
        text = display_line(last.content.strip())
        if cell_len(text) > room:
            text = set_cell_size(text, room - 1) + "…"
        return [((last.role.ljust(_ROLE_WIDTH), "role"), (text, "text"))]

    def _all_lines(self, room: int) -> list[Line]:
        lines: list[Line] = []
        for message in self._messages:
            head = message.role.ljust(_ROLE_WIDTH)
            # A prompt is shown as it is written: its line breaks are part of the question.
            raw = message.role != "assistant"
            for line in typeset(message.content.strip("\n"), room, raw=raw):
                lines.append(((head, "role"), *line))
                head = " " * _ROLE_WIDTH
        return lines
