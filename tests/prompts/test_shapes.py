import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpo_tui.domain.model import Prompt
from dpo_tui.errors import InputError
from dpo_tui.prompts import read_prompts
from dpo_tui.prompts.rows import Reading
from dpo_tui.prompts.shapes.table import SHAPES, shape_named
from dpo_tui.prompts.tally import Tally

from .foreign import SAMPLES, Sample


def read(path: Path, rows: list[Any], reading: Reading | None = None) -> tuple[Tally, list[Prompt]]:
    lines = (each if isinstance(each, str) else json.dumps(each) for each in rows)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    tally = Tally()
    return tally, list(read_prompts(path).read(reading or Reading(), tally))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda each: each.shape)
def test_a_row_is_recognised_and_means_what_it_says(tmp_path: Path, sample: Sample) -> None:
    tally, prompts = read(tmp_path / "rows.jsonl", [sample.row])
    assert prompts == [sample.prompt]
    assert tally.files[0].shape.name == sample.shape


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda each: each.shape)
def test_a_list_of_rows_means_the_same_as_lines(tmp_path: Path, sample: Sample) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps({"version": 1, "data": [sample.row, sample.row]}), encoding="utf-8")
    assert [*read_prompts(path)] == [sample.prompt] * 2
    path.write_text(json.dumps([sample.row]), encoding="utf-8")
    assert [*read_prompts(path)] == [sample.prompt]
    path.write_text(json.dumps(sample.row), encoding="utf-8")
    assert [*read_prompts(path)] == [sample.prompt]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda each: each.shape)
def test_a_shape_can_be_named(tmp_path: Path, sample: Sample) -> None:
    reading = Reading(shape_named(sample.shape))
    _, prompts = read(tmp_path / "rows.jsonl", [sample.row], reading)
    assert prompts == [sample.prompt]


def test_every_shape_has_a_sample() -> None:
    assert {each.shape for each in SAMPLES} == {each.name for each in SHAPES}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(st.sampled_from(SAMPLES), st.data())
def test_a_row_with_anything_in_it_is_a_prompt_or_told(
    scratch: Path, sample: Sample, data: st.DataObject
) -> None:
    row = dict(sample.row)
    row[data.draw(st.sampled_from(sorted(row)))] = data.draw(_JSON)
    with suppress(InputError):
        tally, prompts = read(
            scratch / "rows.jsonl", [row], Reading(shape_named(sample.shape), bad_rows=1.0)
        )
        assert len(prompts) + tally.files[0].left_out == 1


def test_what_is_wrong_in_a_value_of_a_table_is_told(tmp_path: Path) -> None:
    record = next(each.row for each in SAMPLES if each.shape == "argilla")
    rows = [record, {**record, "responses": {"better": [None]}}]
    tally, _ = read(tmp_path / "rows.jsonl", rows, Reading(bad_rows=1.0))
    (reason,) = tally.files[0].reasons
    assert reason == "key responses: in one of its values: expected a table, found null"
