"""Parquet, with the extra `parquet`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from dpo_tui.errors import InputError
from dpo_tui.inputs import Place, open_input
from dpo_tui.prompts.data import Data
from dpo_tui.prompts.forms.form import Form

if TYPE_CHECKING:
    import pyarrow as pa

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
                place = data.place(f"after row {number}" if number else "")
                for row in _as_python(batch, place):
                    number += 1
                    yield number, row
    except (pa.ArrowException, OSError) as error:
        raise data.place(f"after row {number}" if number else "").error(
            f"can't be read as Parquet: {error}", remedy="Write it again, or get it again."
        ) from error


def _without_times(type_: pa.DataType) -> pa.DataType:
    """A type with text for dates and times: Python's own are less exact, and end sooner."""
    import pyarrow as pa  # noqa: PLC0415 - an extra, and heavy

    kinds = pa.types
    if kinds.is_temporal(type_):
        return pa.string()
    if kinds.is_struct(type_):
        return pa.struct([(each.name, _without_times(each.type)) for each in type_])
    if kinds.is_map(type_):
        return pa.map_(_without_times(type_.key_type), _without_times(type_.item_type))
    if kinds.is_large_list(type_):
        return pa.large_list(_without_times(type_.value_type))
    if kinds.is_list(type_) or kinds.is_fixed_size_list(type_):
        return pa.list_(_without_times(type_.value_type))
    return type_


def _has_times(type_: pa.DataType) -> bool:
    import pyarrow as pa  # noqa: PLC0415 - an extra, and heavy

    inner = (type_.field(index).type for index in range(type_.num_fields))
    return pa.types.is_temporal(type_) or any(map(_has_times, inner))


def _as_python(batch: pa.RecordBatch, place: Place) -> list[dict[str, Any]]:
    """The rows of a batch.

    Raises:
        InputError: a value isn't what its column says, such as text that isn't UTF-8.
    """
    import pyarrow as pa  # noqa: PLC0415 - an extra, and heavy

    try:
        # No others are cast: Arrow fails at columns of nothing but nulls inside of lists.
        columns = [
            each.cast(_without_times(each.type)) if _has_times(each.type) else each
            for each in batch.columns
        ]
        rows: list[dict[str, Any]]
        rows = pa.RecordBatch.from_arrays(columns, batch.schema.names).to_pylist()
    except (ValueError, OverflowError) as error:
        raise place.error(
            f"a value can't be read: {error}", remedy="Write it again, or without its column."
        ) from error
    return rows


def _value(row: dict[str, Any], _: Place) -> object:
    return row


def _decoder(type_: Any) -> Callable[[Any], Any]:  # noqa: ANN401 - any type of msgspec
    return partial(msgspec.convert, type=type_)


PARQUET = Form("Parquet", (".parquet",), "row", _rows, _value, _decoder)
