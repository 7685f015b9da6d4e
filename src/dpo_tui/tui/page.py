"""Cards in rows and columns, as lines: pure, and set in type only where they are looked at."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from dpo_tui.tui.block import Block
from dpo_tui.tui.typeset import Line

GAP = 3
"""Cells between two columns."""
WIDEST = 130
"""Cells of the widest column: longer lines are hard to read."""
_NARROWEST = 14
"""Cells of the narrowest one, which holds eight of a text."""


def column_width(width: int, columns: int) -> int:
    """Cells of one of several columns that share `width`."""
    return max(_NARROWEST, min(WIDEST, (width - GAP * (columns - 1)) // columns))


class Piece(NamedTuple):
    """A part of a line on screen that belongs to one card."""

    x: int
    width: int
    base: str
    """Kind of style below all spans; it fills the whole width."""
    line: Line


class Page:
    """Blocks from left to right, then from top to bottom; a row is as high as its highest block."""

    def __init__(self, blocks: Sequence[Block], columns: int, width: int) -> None:
        """`width` is that of a column, in cells."""
        self.blocks = blocks
        self.columns = columns
        self.width = width
        self._by_slot = {block.card.slot: index for index, block in enumerate(blocks)}
        self._starts: list[int] = []
        self._place()

    def _place(self) -> None:
        self._starts = [0]
        for row in self._rows():
            self._starts.append(self._starts[-1] + max(block.height for block in row))

    def _rows(self) -> Iterator[Sequence[Block]]:
        for begin in range(0, len(self.blocks), self.columns):
            yield self.blocks[begin : begin + self.columns]

    @property
    def height(self) -> int:
        """Lines of the whole page, as far as it is known: what isn't set in type is estimated."""
        return self._starts[-1]

    def index(self, slot: int) -> int | None:
        """The place of a slot's block among the blocks."""
        return self._by_slot.get(slot)

    def top(self, index: int) -> int:
        """The line of a block's title."""
        return self._starts[index // self.columns]

    def bottom(self, index: int) -> int:
        """The line behind a block's last one."""
        return self.top(index) + self.blocks[index].height

    def x(self, index: int) -> int:
        """The cell where a block begins."""
        return (index % self.columns) * (self.width + GAP)

    def row_at(self, y: int) -> int:
        """The number of the row that has a line of the page; the last one behind its end."""
        return max(0, min(bisect_right(self._starts, y), len(self._starts) - 1) - 1)

    def title_above(self, y: int) -> int:
        """The line of the titles that a line stands below, to be shown in its place.

        So that it is always seen what is being read. The blank line at the end stays what it is.
        """
        if not self.blocks:
            return y
        row = self.row_at(y)
        return self._starts[row] if y < self._starts[row + 1] - 1 else y

    def in_row(self, row: int) -> range:
        """The indexes of a row's blocks."""
        begin = row * self.columns
        return range(begin, min(begin + self.columns, len(self.blocks)))

    def settle(self, top: int, height: int) -> None:
        """Set in type whatever is in a view of `height` lines, and all that is above it."""
        for row, blocks in enumerate(self._rows()):
            if self._starts[row] >= top + height:
                return
            # All of what is above the view, and below its top as much as it shows.
            lines = None if self._starts[row + 1] <= top else top + height - self._starts[row]
            grown = [block.settle(lines) for block in blocks]
            if any(grown):
                self._place()

    def settle_one(self) -> bool:
        """Set some more lines in type; False when there are none left."""
        for block in self.blocks:
            # What still streams is set anew soon enough, when it is looked at.
            if block.card.phase is None and block.settle_more():
                self._place()
                return True
        return False

    def grew(self) -> None:
        """A block has another height now."""
        self._place()

    def pieces(self, y: int, current: int) -> Iterator[Piece]:
        """What stands on a line of the page; `current` is the slot that keys act on."""
        if not 0 <= y < self.height:
            return
        row = self.row_at(y)
        offset = y - self._starts[row]
        for index in self.in_row(row):
            block = self.blocks[index]
            base, line = block.line(offset, is_current=block.card.slot == current)
            yield Piece(self.x(index), self.width, base, line)
