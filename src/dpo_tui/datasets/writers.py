"""From examples to the bytes of a file, for each kind of file.

Rows are encoded in whatever process, and go into the file in one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

import msgspec

from dpo_tui.datasets import spreadsheet
from dpo_tui.datasets.formats import Format
from dpo_tui.domain.pairs import Example

META = "meta"
"""The column of metadata: a JSON object as text, since only text has the same type in all rows."""

_QUOTED = msgspec.json.Encoder().encode


def encoded(form: Format, examples: Sequence[Example], metas: Sequence[str] | None) -> bytes:
    """The rows of these examples, as `writing_rows` takes them, with their `metas` if given.

    Raises:
        InputError: it needs a library that is not installed.
    """
    if form.ending == ".csv":
        return spreadsheet.table(examples, metas)
    if form.ending == ".parquet":
        from dpo_tui.datasets import parquet  # noqa: PLC0415 - it is an extra

        return parquet.columns(examples, META if metas else None, metas or ())
    return b"".join(_lines(form, examples, metas))


@contextmanager
def writing_rows(
    form: Format, file: BinaryIO, *, meta: bool
) -> Iterator[Callable[[bytes], object]]:
    """What adds rows, as `encoded` gives them, to a new file, which ends with the block.

    `meta` says whether rows have a column of metadata.

    Raises:
        InputError: it needs a library that is not installed.
    """
    column = META if meta else None
    if form.ending == ".parquet":
        from dpo_tui.datasets import parquet  # noqa: PLC0415 - it is an extra

        with parquet.writing_columns(file, column) as write:
            yield write
    else:
        if form.ending == ".csv":
            file.write(spreadsheet.header(column))
        yield file.write


def _lines(
    form: Format, examples: Sequence[Example], metas: Sequence[str] | None
) -> Iterable[bytes]:
    lines = form.lines(examples)
    if metas is None:
        return lines
    return (
        b'%b, "%b": %b}\n' % (line[:-2], META.encode(), _QUOTED(meta))
        for line, meta in zip(lines, metas, strict=True)
    )
