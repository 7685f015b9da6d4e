"""Parquet, with the extra `parquet`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec

from dpo_tui.errors import InputError
from dpo_tui.inputs import Place, open_input
from dpo_tui.prompts.data import Data
from dpo_tui.prompts.forms.form import Form

MAGIC = b"PAR1"
_BATCH = 1000


def _rows(data: Data) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra, and heavy
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise InputError(
            f"{data.source}: reading Parquet needs pyarrow.",
            remedy="Install it with: pip install 'dpo-tui[parquet]'",
        ) from None
    if data.stream:
        raise InputError(
            f"{data.source}: Parquet can't be read from a pipe.", remedy="Name the file."
        )
    open_input(data.path).close()
    number = 0
    try:
        with parquet.ParquetFile(data.path, memory_map=True) as file:
            for batch in file.iter_batches(_BATCH):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except (pa.ArrowException, OSError) as error:
        raise data.place(f"after row {number}" if number else "").error(
            f"can't be read as Parquet: {error}", remedy="Write it again, or get it again."
        ) from error


def _value(row: dict[str, Any], _: Place) -> object:
    return row


def _decoder(type_: Any) -> Callable[[Any], Any]:  # noqa: ANN401 - any type of msgspec
    return partial(msgspec.convert, type=type_)


PARQUET = Form("Parquet", (".parquet",), "row", _rows, _value, _decoder)
