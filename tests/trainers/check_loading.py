"""`load_dataset`, through which nearly all trainers read, on files larger than its first block."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from datasets import load_dataset

from dpo_tui.datasets.formats import FORMATS
from tests.datasets.test_loading import write


@pytest.mark.parametrize("name", [each.name for each in FORMATS.values() if each.is_lines])
def check_a_large_file_with_nasty_rows(tmp_path: Path, name: str) -> None:
    path = tmp_path / "pairs.jsonl"
    count = write(path, name)
    rows = load_dataset("json", data_files=str(path), split="train", cache_dir=str(tmp_path / "c"))
    assert len(rows) == count
    told = [json.loads(line) for line in path.read_bytes().splitlines()[-7:]]
    assert [rows[number] for number in range(count - 7, count)] == told
