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
_KEYS = "ctrl-s makes it a response · escape closes and keeps it · ctrl-r begins anew"


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
    """Ctrl+S makes a response of the text; escape closes and keeps it.

    Nothing typed is lost: it stays open until the text is on disk.
    """

    BINDINGS = [  # noqa: RUF012 (Textual's own way to declare them)
        Binding("ctrl+s", "done", "make it a response", priority=True),
        Binding("escape", "close", "close, the text is kept", priority=True),
        Binding("ctrl+r", "restore", "begin anew", priority=True),
    ]

    def __init__(
        self,
        heading: str,
        original: str,
        typed: str,
        keep: Callable[[str], Awaitable[None]],
        *,
        is_kept: bool,
    ) -> None:
        super().__init__()
        self._heading = Static(Content.styled(heading, "bold $text-primary"), markup=False)
        self._original = original
        self._area = ForeignTextArea(typed, tab_behavior="indent")
        self._note = Static(classes="note", markup=False)
        self._keep = keep
        self._kept = typed if is_kept else None
        """What of it would be there again if it closed now."""
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """The text between a heading and the keys."""
        with Vertical():
            yield self._heading
            yield self._area
            yield self._note

    async def on_mount(self) -> None:
        """Begin at the end of the text."""
        self._area.move_cursor(self._area.document.end)
        self._area.focus()
        self._say(_KEYS)
        await self.keep_now()

    def _say(self, text: str) -> None:
        self._note.update(Content.styled(text, "$foreground-muted"))

    def on_text_area_changed(self) -> None:
        """Keep what is typed, soon."""
        if self._timer is None:
            self._timer = self.set_timer(_KEEP_SECONDS, self.keep_now)

    async def keep_now(self) -> bool:
        """Put on disk what is typed; if that can't be done, say so."""
        self._timer = None
        text = self._area.text
        if text == self._kept:
            return True
        try:
            await self._keep(text)
        except StoreError as error:
            self._say(f"not saved yet: {error_words(error)}")
            return False
        self._kept = text
        self._say(_KEYS)
        return True

    async def action_done(self) -> None:
        """Make it a response."""
        await self._close(is_done=True)

    async def action_close(self) -> None:
        """Close; the text is kept."""
        await self._close(is_done=False)

    async def _close(self, *, is_done: bool) -> None:
        if await self.keep_now():
            self.dismiss(Edited(self._area.text, is_done=is_done))

    def action_restore(self) -> None:
        """Begin anew; undo (ctrl+z) brings back what was typed."""
        self._area.replace(self._original, (0, 0), self._area.document.end)
