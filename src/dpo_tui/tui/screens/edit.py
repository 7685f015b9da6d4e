"""Writing a response inside the app."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import Struct
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Static, TextArea

from dpo_tui.display import display_in_place
from dpo_tui.errors import StoreError
from dpo_tui.tui.render import error_words

_KEEP_SECONDS = 0.5
"""What is typed is on disk this long after a key at the latest."""


class ForeignTextArea(TextArea):
    """An editor of text that somebody else wrote: nothing in it acts on the terminal."""

    def get_line(self, line_index: int) -> Text:
        """A line as it may go to the terminal, as long as it is."""
        line = super().get_line(line_index)
        line.plain = display_in_place(line.plain)
        return line


class Edited(Struct, frozen=True):
    """What was typed when the editor closed."""

    text: str
    is_done: bool
    """Whether it is to become a response; else it is kept to go on with."""


class EditScreen(ModalScreen[Edited]):
    """Ctrl+S makes a response of the text; escape closes and keeps it. Nothing typed is lost."""

    BINDINGS = [  # noqa: RUF012 (Textual's own way to declare them)
        Binding("ctrl+s", "done", "make it a response", priority=True),
        Binding("escape", "close", "close, the text is kept", priority=True),
        Binding("ctrl+r", "restore", "begin anew", priority=True),
    ]

    def __init__(
        self, heading: str, text: str, kept: str | None, keep: Callable[[str], Awaitable[None]]
    ) -> None:
        super().__init__()
        self._heading = Static(Content.styled(heading, "bold $text-primary"), markup=False)
        self._original = text
        self._area = ForeignTextArea(text if kept is None else kept, tab_behavior="indent")
        self._note = Static(classes="note", markup=False)
        self._keep = keep
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """The text between a heading and the keys."""
        with Vertical():
            yield self._heading
            yield self._area
            yield self._note

    def on_mount(self) -> None:
        """Begin at the end of the text."""
        self._area.move_cursor(self._area.document.end)
        self._area.focus()
        self._say("ctrl+s makes it a response · escape closes and keeps it · ctrl+r begins anew")

    def _say(self, text: str) -> None:
        self._note.update(Content.styled(text, "$foreground-muted"))

    def on_text_area_changed(self) -> None:
        """Keep what is typed, soon."""
        if self._timer is None:
            self._timer = self.set_timer(_KEEP_SECONDS, self.keep_now)

    async def keep_now(self) -> None:
        """Put on disk what is typed; if that can't be done, say so."""
        self._timer = None
        try:
            await self._keep(self._area.text)
        except StoreError as error:
            self._say(f"not saved yet: {error_words(error)}")

    async def action_done(self) -> None:
        """Make it a response."""
        await self.keep_now()
        self.dismiss(Edited(self._area.text, is_done=True))

    async def action_close(self) -> None:
        """Close; the text is kept."""
        await self.keep_now()
        self.dismiss(Edited(self._area.text, is_done=False))

    def action_restore(self) -> None:
        """Begin anew; undo (ctrl+z) brings back what was typed."""
        self._area.replace(self._original, (0, 0), self._area.document.end)
