"""Tables in aligned columns that fit the width."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from dpo_tui.tui.typeset.cells import cells
from dpo_tui.tui.typeset.spans import Line, Span, plain
from dpo_tui.tui.typeset.wrap import wrap

_SEPARATOR: Span = (" │ ", "bar")
_NARROWEST = 6
"""Cells of a column below which a table is no longer readable."""

Row = Sequence[Sequence[Span]]


class Table(Struct, frozen=True):
    """A heading row, other rows with as many cells, and how each column is aligned."""

    rows: Sequence[Row]
    alignment: Sequence[str]
    """`left`, `right` or `center` of each column."""

    def set(self, width: int) -> list[Line] | None:
        """The table within a width, long cells wrapped; None if its columns get too narrow."""
        widths = self._widths(width)
        if widths is None:
            return None
        set_rows = [
            [wrap(cell, column) for cell, column in zip(row, widths, strict=True)]
            for row in self.rows
        ]
        rule: Line = (("─┼─".join("─" * column for column in widths), "bar"),)
        has_tall = any(len(cell) > 1 for row in set_rows for cell in row)
        lines: list[Line] = []
        for number, row in enumerate(set_rows):
            if number == 1 or (has_tall and number):
                lines.append(rule)
            height = max(len(cell) for cell in row)
            lines.extend(self._line(row, widths, index) for index in range(height))
        return lines

    def _widths(self, width: int) -> list[int] | None:
        """What each column gets: what it wants, or a fair share of what the narrow ones leave."""
        wanted = [
            max(1, *(cells(plain(row[column])) for row in self.rows))
            for column in range(len(self.alignment))
        ]
        room = width - cells(_SEPARATOR[0]) * (len(wanted) - 1)
        given = [0] * len(wanted)
        by_want = sorted(range(len(wanted)), key=wanted.__getitem__)
        for place, column in enumerate(by_want):
            given[column] = min(wanted[column], max(room, 0) // (len(wanted) - place))
            room -= given[column]
        too_narrow = any(
            got < want and got < _NARROWEST for got, want in zip(given, wanted, strict=True)
        )
        return None if too_narrow else given

    def _line(self, row: Sequence[list[Line]], widths: Sequence[int], index: int) -> Line:
        line: list[Span] = []
        for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
            if column:
                line.append(_SEPARATOR)
            spans = cell[index] if index < len(cell) else ()
            gap = width - cells(plain(spans))
            before = {"right": gap, "center": gap // 2}.get(self.alignment[column], 0)
            after = gap - before if column < len(widths) - 1 else 0
            line += [(" " * before, "text"), *spans, (" " * after, "text")]
        return tuple(span for span in line if span[0])
