"""Emoji of several characters don't move what stands behind them."""

from hypothesis import given
from hypothesis import strategies as st

from dpo_tui.tui.clusters import in_place

WARNING, FAMILY, HAND = "\u26a0\ufe0f", "\U0001f468\u200d\U0001f469", "\U0001f44d\U0001f3fd"


def test_the_column_is_told_around_an_emoji() -> None:
    line = f"\x1b[3;5Ha \x1b[1m{WARNING}b\x1b[0m {HAND}\n"
    assert in_place(line) == (
        f"\x1b[3;5Ha \x1b[1m  \x1b[7G{WARNING}\x1b[9Gb\x1b[0m   \x1b[11G{HAND}\x1b[13G\n"
    )


def test_each_line_has_columns_of_its_own() -> None:
    data = f"\x1b[1;1H日本\x1b[1;9H{FAMILY}\n\x1b[2;3H{FAMILY}"
    told = f"  \x1b[{{0}}G{FAMILY}\x1b[{{1}}G"
    assert in_place(data) == (
        f"\x1b[1;1H日本\x1b[1;9H{told.format(9, 11)}\n\x1b[2;3H{told.format(3, 5)}"
    )


@given(st.text("a é日\U0001f44d\x1b[0;1mH\n"))
def test_everything_else_stays_as_it_is(data: str) -> None:
    assert in_place(data) == data
