"""Why a group was judged as it was: a note and labels."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.events import Paste
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import Input, SelectionList, Static
from textual.widgets.selection_list import Selection

from dpo_tui.display import display_line
from dpo_tui.errors import StoreError
from dpo_tui.tui.render import error_words

Keep = Callable[[str, Sequence[str]], Awaitable[None]]
"""Keeps a note and the names of labels."""


class Labels(SelectionList[str]):
    """Labels to set; where there are few colours, a character still tells which are."""

    def render_line(self, y: int) -> Strip:
        """A label behind its button, which is blank until the label is set."""
        strip = super().render_line(y)
        index = self.scroll_offset.y + y
        if index >= self.option_count or self.get_option_at_index(index).value in self.selected:
            return strip
        left, (_, style, _), *rest = strip
        return Strip([left, Segment(" ", style), *rest])


class OneLine(Input):
    """A line to type in; Textual's keeps only the first line of what is pasted."""

    def _on_paste(self, event: Paste) -> None:
        # Textual goes on with its own handler.
        event.text = " ".join(line.strip() for line in event.text.splitlines() if line.strip())


class NoteScreen(ModalScreen[None]):
    """Enter and escape both keep what is there; it stays open until that is on disk."""

    BINDINGS = [  # noqa: RUF012 (Textual's own way to declare them)
        # In the list of labels too, where enter would set one.
        Binding("enter,escape", "keep", "keep and close", priority=True),
    ]

    def __init__(
        self, note: str, labels: Sequence[str], known: Mapping[str, str], keep: Keep
    ) -> None:
        super().__init__()
        self._keep = keep
        self._input = OneLine(note, placeholder="why?", select_on_focus=False)
        # A label that the prompts file doesn't name any more is still one.
        self._names = [*dict.fromkeys([*known, *labels])]
        self._keys = Static(markup=False)
        self._labels = Labels(
            *(
                Selection(_label(name, known.get(name, "")), name, name in labels)
                for name in self._names
            )
        )

    def compose(self) -> ComposeResult:
        """The note above the labels."""
        with Vertical():
            yield Static(Content.styled("Note", "bold $text-primary"), markup=False)
            yield self._input
            keys = "enter and escape keep it"
            if self._labels.option_count:
                yield Static(Content.styled("Labels", "bold $text-primary"), markup=False)
                yield self._labels
                keys += " · tab goes to the labels · space sets one"
            self._say(keys)
            yield self._keys

    def _say(self, text: str) -> None:
        self._keys.update(Content.styled(text, "$foreground-muted"))

    def on_mount(self) -> None:
        """Begin to type at once."""
        self._input.focus()

    async def action_keep(self) -> None:
        """Keep what is there and close."""
        if await self.keep_now():
            self.dismiss()

    async def keep_now(self) -> bool:
        """Put the note and the labels on disk; if that can't be done, say so."""
        chosen = set(self._labels.selected)
        names = tuple(name for name in self._names if name in chosen)
        try:
            await self._keep(self._input.value.strip(), names)
        except StoreError as error:
            self._say(f"not saved yet: {error_words(error)}")
            return False
        return True


def _label(name: str, meaning: str) -> Content:
    return Content.assemble(
        display_line(name), (f"  {display_line(meaning)}" if meaning else "", "$foreground-muted")
    )
