"""The loader that nearly all trainers use, on a file larger than the block that it looks at first.

It infers the columns from the first 10 MiB and refuses what is of another type behind them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.json
import pytest

from dpo_tui.datasets.formats import FORMATS
from dpo_tui.domain.clean import dataset_messages, dataset_text
from dpo_tui.domain.model import Message, Pair
from dpo_tui.domain.pairs import Rating, Unit

BLOCK = 10 << 20
FILLER = "all of it plain and of one kind " * 60


def nasty() -> Iterator[Pair]:
    """Rows that differ from all that came before them, as far as people and models go."""
    user = Message("user", "Q")
    yield Pair((Message("system", "S"), user), "a", "b", 3)
    yield Pair((user, Message("assistant", "A"), user), "2026-01-01", "2026-01-02")
    yield Pair((user,), dataset_text("cut \ud83d"), dataset_text("\udca9"))
    yield Pair((user,), "\u0000", "\u2028\u2029\ufeff")
    yield Pair((user,), "[]", "{}")
    yield Pair((user,), "null", "1")
    yield Pair(dataset_messages((Message("system", " "), user)), "true", '"')


def example(name: str, pair: Pair) -> Pair | Rating:
    if FORMATS[name].unit is Unit.PAIR:
        return pair
    return Rating(pair.messages, pair.chosen, is_good=pair.strength is None)


def write(path: Path, name: str) -> int:
    """A file whose nasty rows come behind its first block; how many rows it has."""
    form = FORMATS[name]
    plain = Pair((Message("user", FILLER),), f"good {FILLER}", f"bad {FILLER}")
    rows = [plain] * (BLOCK // len(form.line(example(name, plain))) + 2)
    rows += nasty()
    if form.tells_schema:
        lead = replace_messages(plain)
        rows.insert(0, lead)
    path.write_bytes(b"".join(form.line(example(name, each)) for each in rows))
    return len(rows)


def replace_messages(pair: Pair) -> Pair:
    turns = (Message("user", "Q"), Message("assistant", "A"), *pair.messages)
    return pair._replace(messages=turns)


@pytest.mark.parametrize("name", [each.name for each in FORMATS.values() if each.is_lines])
def test_the_types_of_the_first_block_hold_to_the_end(tmp_path: Path, name: str) -> None:
    """As the loader does it: block by block, each with the types of the first."""
    path = tmp_path / "pairs.jsonl"
    count = write(path, name)
    reader = pyarrow.json.open_json(
        path, read_options=pyarrow.json.ReadOptions(block_size=BLOCK, use_threads=False)
    )
    batches = list(reader)
    assert len(batches) > 1
    assert sum(each.num_rows for each in batches) == count
    last: list[dict[str, Any]] = batches[-1].to_pylist()
    told = [json.loads(line) for line in path.read_bytes().splitlines()[-7:]]
    assert last[-7:] == told
