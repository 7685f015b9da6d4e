"""Parquet with the columns of TRL's conversational pairs; needs pyarrow (the extra `parquet`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


class ParquetRowWriter:
    """Pairs as row groups."""

    def __init__(self, file: BinaryIO, *, meta: str | None) -> None:
        fields = [pa.field(name, _CONVERSATION) for name in COLUMNS]
        if meta:
            fields.append(pa.field(meta, pa.string()))
        self._schema = pa.schema(fields)
        self._parquet = pq.ParquetWriter(file, self._schema, compression="zstd")
        self._pairs: list[Pair] = []
        self._metas: list[str] = []

    def write(self, examples: Sequence[Example], metas: Sequence[str] | None) -> None:
        """Add rows."""
        self._pairs += cast("Sequence[Pair]", examples)
        self._metas += metas or ()
        if len(self._pairs) >= _GROUP_ROWS:
            self._flush()

    def close(self) -> None:
        """Write what is left, and the footer."""
        if self._pairs:
            self._flush()
        self._parquet.close()

    def _flush(self) -> None:
        pairs = self._pairs
        columns = [
            _conversations([each.messages for each in pairs]),
            _conversations([(Message("assistant", each.chosen),) for each in pairs]),
            _conversations([(Message("assistant", each.rejected),) for each in pairs]),
        ]
        if self._metas:
            columns.append(pa.array(self._metas, pa.string()))
        self._parquet.write_batch(pa.record_batch(columns, schema=self._schema))
        self._pairs, self._metas = [], []


def _conversations(conversations: Sequence[Sequence[Message]]) -> pa.ListArray:
    offsets = [0, *accumulate(map(len, conversations))]
    turns = [turn for each in conversations for turn in each]
    fields = [_strings(each.role for each in turns), _strings(each.content for each in turns)]
    structs = pa.StructArray.from_arrays(fields, names=["role", "content"])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), structs)


def _strings(texts: Iterable[str]) -> pa.StringArray:
    return pa.array(list(texts), pa.string())
