"""Putting a line of the screen together from left to right."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip


class StripBuilder:
    """Neighbours of one style become one segment: each costs colour codes over the link."""

    def __init__(self) -> None:
        self._segments: list[Segment] = []
        self._length = 0

    def add(self, text: str, style: Style) -> None:
        """Text behind what there is."""
        if not text:
            return
        self._length += cell_len(text)
        if self._segments and self._segments[-1].style == style:
            text = self._segments.pop().text + text
        self._segments.append(Segment(text, style))

    def fill(self, cells: int, style: Style) -> None:
        """Make it so many cells long, by a blank or a cut."""
        if self._length > cells:
            self._segments = [*self.strip.crop(0, cells)]
            self._length = cells
        else:
            self.add(" " * (cells - self._length), style)

    @property
    def strip(self) -> Strip:
        """What there is."""
        return Strip(self._segments, self._length)
