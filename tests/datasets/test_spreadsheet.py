"""CSV that a spreadsheet shows and doesn't run."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpo_tui.datasets.spreadsheet import header, row, table
from dpo_tui.datasets.transcript import transcript
from dpo_tui.domain.cells import plain_cell, safe_cell
from dpo_tui.domain.model import Message, Pair
from tests.datasets.examples import pairs

a_cell = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("'=+-@\t\r"), max_size=6
)


def written(*of: Pair) -> list[list[str]]:
    text = (header(None) + table(of, None)).decode("utf-8-sig")
    return [*csv.reader(io.StringIO(text, newline=""))]


@pytest.mark.parametrize(
    "text", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\uff1d1", "'=1"]
)
def test_a_formula_is_text(text: str) -> None:
    pair = Pair((Message("system", text), Message("user", text)), text, text)
    _, row = written(pair)
    assert all(cell.startswith("'") for cell in row)
    assert [plain_cell(cell) for cell in row] == [text] * 4


@given(a_cell)
def test_a_cell_never_acts_and_reads_back(text: str) -> None:
    assert not safe_cell(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert plain_cell(safe_cell(text)) == text


@given(st.lists(pairs, max_size=4))
def test_pairs_read_back(of: list[Pair]) -> None:
    head, *rows = written(*of)
    assert head == ["system", "prompt", "chosen", "rejected"]
    for pair, cells in zip(of, rows, strict=True):
        system, prompt, chosen, rejected = map(plain_cell, cells)
        has_system = pair.messages[0].role == "system"
        assert system == (pair.messages[0].content if has_system else "")
        assert prompt == transcript(pair.messages[has_system:])
        assert (chosen, rejected) == (pair.chosen, pair.rejected)


@given(st.lists(pairs, max_size=4), st.text(st.sampled_from('a",\r\n ;')))
def test_cells_stand_as_python_writes_them(of: list[Pair], meta: str) -> None:
    expected = io.StringIO(newline="")
    csv.writer(expected).writerows((*row(each), meta) for each in of)
    assert table(of, [meta] * len(of)).decode() == expected.getvalue()
