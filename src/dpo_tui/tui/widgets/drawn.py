"""A widget whose lines go to the screen as it draws them."""

from __future__ import annotations

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class Drawn(Widget):
    """Has no border, padding or opacity; `render_line` gives lines as wide as the widget.

    For every line Textual asks for each of these, which takes longer than to draw it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._strips: dict[int, Strip] = {}
        """The lines that were drawn and are still true."""

    def _set_dirty(self, *regions: Region) -> None:
        super()._set_dirty(*regions)
        if not regions:
            self._strips.clear()
        for region in regions:
            for y in region.line_range:
                self._strips.pop(y, None)

    def render_lines(self, crop: Region) -> list[Strip]:
        """A part of the widget."""
        strips = [self._strips.get(y) or self._draw(y) for y in crop.line_range]
        if crop.column_span == (0, self.size.width):
            return strips
        return [strip.crop(*crop.column_span) for strip in strips]

    def _draw(self, y: int) -> Strip:
        strip = self.render_line(y)
        _, background = self.background_colors
        for line_filter in self.get_line_filters():
            strip = strip.apply_filter(line_filter, background)
        self._strips[y] = strip
        return strip
