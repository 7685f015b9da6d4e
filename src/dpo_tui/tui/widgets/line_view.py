"""A widget that draws lines of spans itself: nothing has to be laid out when a text grows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.geometry import Region, Size
from textual.reactive import Reactive
from textual.strip import Strip

from dpo_tui.tui.page import Piece
from dpo_tui.tui.palette import STYLES
from dpo_tui.tui.strip_builder import StripBuilder
from dpo_tui.tui.typeset.kinds import PALETTE
from dpo_tui.tui.widgets.drawn import Drawn

_STYLES = {**PALETTE, **STYLES}
_THUMB = "▐"
_LEFT = 1
"""Free cells before a line. As padding they would be of another style, which costs bytes."""
EDGES = _LEFT + 2
"""Cells that hold no text: also the thumb's column and a free one before it."""


class Thumb(Drawn):
    """Which part of the lines is in view, as a bar in a column of its own.

    An update begins at the left edge of a widget, so that this column alone would cost whole lines.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows = range(0)

    def render_line(self, y: int) -> Strip:
        """The bar, or nothing beside it."""
        view = self.parent
        style = view.palette.style("body", "thumb") if isinstance(view, LineView) else None
        return _cell(_THUMB if y in self.rows else " ", style)


@lru_cache(maxsize=8)
def _cell(text: str, style: Style | None) -> Strip:
    return Strip([Segment(text, style)], 1)


class LineView(Drawn, can_focus=False):
    """Shows a part of what may be many lines; a thumb in its last column says which."""

    # What doesn't scroll needs not be laid out, and painted, a second time because of its size.
    virtual_size: Reactive[Size] = Reactive(Size(0, 0), layout=False, repaint=False)

    def __init__(self) -> None:
        super().__init__()
        self.on_moved: Callable[[], None] = lambda: None
        """Called when there are more or fewer lines below the view than before."""
        self._told_below = 0
        self.top = 0
        """The first line that is shown."""
        self._thumb = Thumb()

    def compose(self) -> ComposeResult:
        """The thumb lies on the last column."""
        yield self._thumb

    # --- what is shown: for heirs ---------------------------------------------------------------

    @property
    def line_count(self) -> int:
        """How many lines there are."""
        raise NotImplementedError

    def pieces(self, y: int) -> Iterable[Piece]:
        """What stands on a line, from left to right."""
        raise NotImplementedError

    # --- drawing --------------------------------------------------------------------------------

    @property
    def view_height(self) -> int:
        """Lines that are shown at a time."""
        return self.size.height

    @property
    def text_width(self) -> int:
        """Cells of a line."""
        return max(1, self.size.width - EDGES)

    @property
    def lines_below(self) -> int:
        """How many lines there are below the view."""
        return max(0, self.line_count - self.top - self.view_height)

    def style_of(self, kind: str) -> str:
        """The style of a kind of the typesetter, or of ours."""
        return _STYLES.get(kind, "")

    def render_line(self, y: int) -> Strip:
        """One line of the view."""
        palette = self.palette
        blank = palette.style("body", "text")
        line = StripBuilder()
        line.fill(_LEFT, blank)
        for piece in self.pieces(self.top + y):
            line.fill(_LEFT + piece.x, blank)
            for text, kind in piece.line:
                line.add(text, palette.style(piece.base, kind))
            line.fill(_LEFT + piece.x + piece.width, palette.style(piece.base, "text"))
        line.fill(self.size.width, blank)
        return line.strip

    # --- scrolling ------------------------------------------------------------------------------

    def scroll_lines_to(self, top: int) -> bool:
        """Show the lines from `top` on, as far as there are any; False if nothing moves."""
        before, self.top = self.top, max(0, min(top, self.line_count - self.view_height))
        self._move_thumb()
        if self.top == before:
            return False
        self.refresh()
        return True

    def refresh_from(self, begin: int, end: int, x: int = 0, width: int | None = None) -> None:
        """Paint lines of the whole text anew, as far as they are in view."""
        first = max(begin - self.top, 0)
        last = min(end - self.top, self.view_height)
        if first < last:
            self.refresh(Region(_LEFT + x, first, width or self.text_width, last - first))

    def _move_thumb(self) -> None:
        """Put the thumb where the view is."""
        if self.lines_below != self._told_below:
            self._told_below = self.lines_below
            self.on_moved()
        height, lines = self.view_height, self.line_count
        rows = range(0)
        if lines > height > 0:
            length = max(1, round(height * height / lines))
            begin = round((height - length) * self.top / (lines - height))
            rows = range(begin, begin + length)
        if rows != self._thumb.rows:
            self._thumb.rows = rows
            self._thumb.refresh()
