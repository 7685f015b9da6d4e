"""What turns examples into the bytes of a file: one kind for each kind of file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import BinaryIO, Protocol

import msgspec

from dpo_tui.datasets.formats import Format
from dpo_tui.datasets.spreadsheet import SpreadsheetWriter
from dpo_tui.domain.pairs import Example

META = "meta"
"""The column of metadata: a JSON object as text, since only text has the same type in all rows."""

_QUOTED = msgspec.json.Encoder().encode


class RowWriter(Protocol):
    """Rows into a file."""

    def write(self, examples: Sequence[Example], metas: Sequence[str] | None) -> None:
        """Add rows; `metas` are theirs, if the file has that column."""
        ...

    def close(self) -> None:
        """Write what ends the file; it stays open."""
        ...


class LineWriter:
    """JSON lines."""

    def __init__(self, form: Format, file: BinaryIO) -> None:
        self._form = form
        self._file = file

    def write(self, examples: Sequence[Example], metas: Sequence[str] | None) -> None:
        """Add rows."""
        self._file.writelines(lines_with(self._form, examples, metas))

    def close(self) -> None:
        """Nothing ends it."""


def lines_with(
    form: Format, examples: Sequence[Example], metas: Sequence[str] | None
) -> Iterable[bytes]:
    """The lines of a file of JSON lines; `metas` are theirs, if it has that column."""
    lines = form.lines(examples)
    if metas is None:
        return lines
    return (
        b'%b, "%b": %b}\n' % (line[:-2], META.encode(), _QUOTED(meta))
        for line, meta in zip(lines, metas, strict=True)
    )


def writer_of(form: Format, file: BinaryIO, *, meta: bool) -> RowWriter:
    """The writer for a format.

    Raises:
        InputError: it needs a library that is not installed.
    """
    if form.ending == ".csv":
        return SpreadsheetWriter(file, meta=META if meta else None)
    if form.ending == ".parquet":
        from dpo_tui.datasets.parquet import ParquetRowWriter  # noqa: PLC0415 - it is an extra

        return ParquetRowWriter(file, meta=META if meta else None)
    return LineWriter(form, file)
