"""CSV that is safe to open in a spreadsheet: see `domain.cells`."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import BinaryIO, cast

from dpo_tui.datasets.transcript import transcript
from dpo_tui.domain.cells import COLUMNS, safe_cell
from dpo_tui.domain.model import Pair
from dpo_tui.domain.pairs import Example

MAX_CELL = 32_767
"""Characters that a cell of the usual spreadsheets holds."""
_BOM = "\ufeff".encode()
"""Without it, they take UTF-8 for something else."""


class SpreadsheetWriter:
    """Pairs as CSV (RFC 4180): system, prompt, chosen, rejected."""

    def __init__(self, file: BinaryIO, *, meta: str | None) -> None:
        self._file = file
        self._text = io.StringIO(newline="")
        self._csv = csv.writer(self._text)
        self._file.write(_BOM)
        self._csv.writerow((*COLUMNS, meta) if meta else COLUMNS)

    def write(self, examples: Sequence[Example], metas: Sequence[str] | None) -> None:
        """Add rows."""
        cells = [row(cast("Pair", each)) for each in examples]
        if metas is None:
            self._csv.writerows(cells)
        else:
            self._csv.writerows((*each, meta) for each, meta in zip(cells, metas, strict=True))
        self.close()

    def close(self) -> None:
        """Hand over what was collected."""
        self._file.write(self._text.getvalue().encode())
        self._text.seek(0)
        self._text.truncate()


def row(pair: Pair) -> tuple[str, ...]:
    """The cells of a pair."""
    has_system = pair.messages[0].role == "system"
    return (
        safe_cell(pair.messages[0].content) if has_system else "",
        safe_cell(transcript(pair.messages[has_system:])),
        safe_cell(pair.chosen),
        safe_cell(pair.rejected),
    )
