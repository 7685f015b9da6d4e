"""Parquet with the columns of TRL's conversational pairs; needs pyarrow (the extra `parquet`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import BinaryIO, cast

from dpo_tui.domain.model import Message, Pair
from dpo_tui.domain.pairs import Example
from dpo_tui.errors import InputError

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError as error:
    raise InputError(
        "parquet needs pyarrow, which is not installed.", remedy="pip install 'dpo-tui[parquet]'"
    ) from error

COLUMNS = ("prompt", "chosen", "rejected")
_GROUP_ROWS = 2_000
"""Rows of a row group: what is held in memory."""
_CONVERSATION = pa.list_(pa.struct({"role": pa.string(), "content": pa.string()}))


def columns(examples: Sequence[Example], meta: str | None, metas: Sequence[str]) -> bytes:
    """Pairs as columns, which any process can make: a batch in Arrow's IPC format.

    `meta` is the name of the column of metadata, if there is one.
    """
    pairs = cast("Sequence[Pair]", examples)
    arrays: list[pa.Array] = [
        _conversations([each.messages for each in pairs]),
        _conversations([(Message("assistant", each.chosen),) for each in pairs]),
        _conversations([(Message("assistant", each.rejected),) for each in pairs]),
    ]
    if meta:
        arrays.append(pa.array(metas, pa.string()))
    batch: bytes = pa.record_batch(arrays, schema=_schema(meta)).serialize().to_pybytes()
    return batch


@contextmanager
def writing_columns(file: BinaryIO, meta: str | None) -> Iterator[Callable[[bytes], None]]:
    """What adds such batches to a file, in row groups of some size; the file ends with the block.

    `meta` is the name of the column of metadata, if there is one.
    """
    schema = _schema(meta)
    batches: list[pa.RecordBatch] = []
    with pq.ParquetWriter(file, schema, compression="zstd") as parquet:

        def flush() -> None:
            if batches:
                parquet.write_table(pa.Table.from_batches(batches))
                batches.clear()

        def write(rows: bytes) -> None:
            batches.append(pa.ipc.read_record_batch(pa.py_buffer(rows), schema))
            if sum(each.num_rows for each in batches) >= _GROUP_ROWS:
                flush()

        yield write
        flush()


def _schema(meta: str | None) -> pa.Schema:
    fields = [pa.field(name, _CONVERSATION) for name in COLUMNS]
    if meta:
        fields.append(pa.field(meta, pa.string()))
    return pa.schema(fields)


def _conversations(conversations: Sequence[Sequence[Message]]) -> pa.ListArray:
    offsets = [0, *accumulate(map(len, conversations))]
    turns = [turn for each in conversations for turn in each]
    fields = [_strings(each.role for each in turns), _strings(each.content for each in turns)]
    structs = pa.StructArray.from_arrays(fields, names=["role", "content"])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), structs)


def _strings(texts: Iterable[str]) -> pa.StringArray:
    return pa.array(list(texts), pa.string())
