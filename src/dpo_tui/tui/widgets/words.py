"""What the screen says itself: the top line, remarks, troubles, and the line of the last news."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.geometry import Size
from textual.strip import Strip

from dpo_tui.tui.palette import Palette
from dpo_tui.tui.strip_builder import StripBuilder
from dpo_tui.tui.typeset.cells import cells
from dpo_tui.tui.typeset.spans import Line, Span, split_lines
from dpo_tui.tui.typeset.wrap import wrap
from dpo_tui.tui.widgets.drawn import Drawn

EDGE = 1
"""Free cells on either side of a line."""
_BELOW = 14
"""Cells at the right end of the last news, with a free one before them."""
_MORE: Span = ("…", "$foreground-muted")
"""Stands in the free cell behind a line."""
_NARROWEST = 40
"""Cells below which the news have the line for themselves."""


def line_of(spans: Iterable[Span], palette: Palette, width: int) -> StripBuilder:
    """Spans as a line with free edges; their kinds are styles."""
    line, blank = StripBuilder(), palette.style("", "")
    line.fill(EDGE, blank)
    for text, kind in spans:
        line.add(text, palette.style("", kind))
    line.fill(width, blank)
    return line


class Words(Drawn):
    """Spans of safe text, whose kinds are styles; what is too wide goes on in the next line.

    Where there is no next line any more, a sign tells that something is missing.
    """

    _spans: Sequence[Span] = ()

    def show(self, spans: Sequence[Span]) -> None:
        """Show other words; the same ones cost nothing."""
        if spans != self._spans:
            before = len(self._lines(self.size.width))
            self._spans = spans
            self.refresh(layout=len(self._lines(self.size.width)) != before)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as it takes."""
        del container, viewport
        return len(self._lines(width))

    def render_line(self, y: int) -> Strip:
        """One line."""
        return self._line(y).strip

    def _line(self, y: int) -> StripBuilder:
        lines = self._lines(self.size.width)
        line = lines[y] if y < len(lines) else ()
        if y + 1 == self.size.height < len(lines):
            line = (*line, _MORE)
        return line_of(line, self.palette, self.size.width)

    def _lines(self, width: int) -> list[Line]:
        room = max(1, self._room(width))
        return [line for spans in split_lines(self._spans) for line in wrap(spans, room)]

    def _room(self, width: int) -> int:
        return width - 2 * EDGE


class News(Words):
    """What was done last, or why nothing was; and how much there is to read below."""

    _below = ""

    def show_below(self, text: str) -> None:
        """Say how much there is to read below the view."""
        if text != self._below:
            self._below = text
            self.refresh()

    def _line(self, y: int) -> StripBuilder:
        line = super()._line(y)
        if y == 0 and self._below and self.size.width >= _NARROWEST:
            blank = self.palette.style("", "")
            line.fill(self.size.width - EDGE - cells(self._below), blank)
            line.add(self._below, self.palette.style("", "$foreground-muted"))
            line.fill(self.size.width, blank)
        return line

    def _room(self, width: int) -> int:
        return super()._room(width) - (_BELOW + 1 if width >= _NARROWEST else 0)
