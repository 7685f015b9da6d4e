"""A widget whose lines go to the screen as it draws them."""

from __future__ import annotations

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from dpo_tui.tui.palette import Palette


class Drawn(Widget):
    """Has no border, padding or opacity; `render_line` gives lines as wide as the widget.

    For every line Textual asks for each of these, which takes longer than to draw it.
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self._palette: Palette | None = None
        self._strips: dict[int, Strip] = {}
        """The lines that were drawn and are still true."""

    def style_of(self, kind: str) -> str:
        """What a kind of text looks like, as Textual writes styles: kinds are styles here."""
        return kind

    @property
    def palette(self) -> Palette:
        """The styles that count now."""
        if self._palette is None:
            variables = self.app.theme_variables
            self._palette = Palette(self.visual_style, variables, self.style_of)
        return self._palette

    def notify_style_update(self) -> None:
        """Another theme, or another background."""
        super().notify_style_update()
        self._palette = None

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
