"""Columns of dates: told where Arrow's reader, which `datasets` uses, makes times of them."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.json
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpo_tui.datasets.dates import Dates
from dpo_tui.datasets.formats import FORMATS, Format
from dpo_tui.datasets.lengths import Estimate
from dpo_tui.datasets.lines import line_of
from dpo_tui.datasets.quality import Findings, Quality
from dpo_tui.domain.model import Message, Pair
from dpo_tui.domain.pairs import Example, Rating, Unit

LINES = [each for each in FORMATS.values() if each.is_lines]


def times_in(kind: pa.DataType, column: str = "") -> set[str]:
    """The columns of times."""
    if pa.types.is_timestamp(kind):
        return {column}
    if pa.types.is_list(kind):
        return times_in(kind.value_type, column)
    fields = kind if pa.types.is_struct(kind) else ()
    inside = (times_in(each.type, f"{column}.{each.name}".lstrip(".")) for each in fields)
    return set[str]().union(*inside)


def loaded(lines: bytes) -> set[str]:
    return times_in(pa.struct(list(pyarrow.json.read_json(io.BytesIO(lines)).schema)))


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01",
        "2026-01-01 10",
        "2026-01-01T10:00",
        "2026-01-01 10:00:00Z",
        "2026-01-01T10:00+01:00",
        "2026-01-01T10:00:00.5",
        "2026-01-01Z",
        "20260101",
        "10:00",
        "2026-01-01.",
        "\u0662\u0660\u0662\u0666-01-01",
    ],
)
def test_a_date_is_what_the_loader_takes_for_one(text: str) -> None:
    found = Dates()
    found.look({"a": text})
    assert found.columns == loaded(line_of({"a": text}))


texts = st.sampled_from(["2026-01-01", "2025-12-31T23:59", "yes", "no"])


def example(form: Format, question: str, good: str, bad: str) -> Example:
    messages = (Message("user", question),)
    if form.unit is Unit.PAIR:
        return Pair(messages, good, bad)
    return Rating(messages, good, is_good=True)


@pytest.mark.parametrize("form", LINES, ids=lambda each: each.name)
@given(data=st.data())
def test_a_column_of_dates_is_told(form: Format, data: st.DataObject) -> None:
    said: Any = st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=3)
    found, lines = Findings(), b""
    for part in data.draw(st.lists(said, min_size=1, max_size=2)):
        examples = [example(form, *each) for each in part]
        quality = Quality(form, Estimate(), max_length=1024, near=0)
        quality.look(examples)
        found.add(quality.found)
        lines += b"".join(map(form.line, examples))
    assert found.dates.columns == loaded(lines)
    assert [*found.told()] == [
        f"every {column} is a date, and loaders turn a column of dates into times"
        for column in sorted(loaded(lines))
    ]
