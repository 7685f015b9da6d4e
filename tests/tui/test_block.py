"""A block shows a card, and says of every change what has to be painted."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dpo_tui.domain.model import Mark, State
from dpo_tui.service.live import Phase
from dpo_tui.service.sheet import Card, Twin
from dpo_tui.tui.block import Block, Row, View
from dpo_tui.tui.page import Page, column_width
from dpo_tui.tui.title import title
from dpo_tui.tui.typeset.spans import plain

WIDTH = 40

texts = st.lists(
    st.sampled_from(
        [
            "word ",
            "longer words follow ",
            "\n",
            "\n\n",
            "- item\n",
            "```\ncode\n```\n",
            "**b** ",
            "日本",
            "| a | b |\n|---|---|\n",
        ]
    ),
    max_size=30,
).map("".join)
twins = st.none() | st.builds(Twin, number=st.just(1), similarity=st.sampled_from([0.93, 1.0]))
cards = st.builds(
    Card,
    slot=st.just(2),
    number=st.just(3),
    mark=st.none() | st.sampled_from(Mark),
    best=st.booleans(),
    phase=st.none() | st.sampled_from(Phase),
    state=st.sampled_from(State),
    usable=st.booleans(),
    text=texts,
    reasoning=st.sampled_from(["", "I think", "I think so\nand so"]),
    note=st.sampled_from(["", "the server is down"]),
    tokens=st.none() | st.just(12),
    twin=twins,
    copies=st.sampled_from([1, 2]),
    folded=st.booleans(),
)
views = st.builds(
    View,
    width=st.just(WIDTH),
    raw=st.booleans(),
    whole=st.booleans(),
    reasoning=st.sampled_from([frozenset(), frozenset({2})]),
)


def rows(block: Block, *, is_current: bool = False) -> list[Row]:
    return [block.line(y, is_current=is_current) for y in range(block.height)]


def settled(card: Card, view: View) -> Block:
    block = Block(card, view)
    block.settle()
    return block


@given(cards, views, st.integers(1, 7))
def test_lines_are_the_same_however_they_are_set(card: Card, view: View, bite: int) -> None:
    whole, piecewise = settled(card, view), Block(card, view)
    while piecewise.settle(sum(bool(row) for row in rows(piecewise)) + bite):
        pass
    piecewise.settle()
    assert rows(piecewise) == rows(whole)


def test_a_title_has_its_width_and_tells_what_it_leaves_out() -> None:
    card = Card(slot=0, number=1, mark=None, phase=None, state=State.COMPLETE, usable=True)
    cut_off = replace(card, state=State.CUT_OFF)
    told = replace(card, tokens=20, twin=Twin(12, 0.99))
    for width in range(17, 80):
        for each in (cut_off, told):
            said = plain(title(each, width))
            assert len(said) <= width
            words = said.split("unmarked")[1].strip()
            assert not words or words.endswith(("…", "at the token limit", "20 tokens"))


def test_a_folded_card_that_turns_out_to_be_a_copy_is_its_title_alone() -> None:
    view = View(width=WIDTH)
    one = Card(2, 3, None, None, State.CUT_OFF, usable=False, text="words", folded=True)
    other = replace(one, twin=Twin(1, 1.0))
    block = settled(one, view)
    assert len(rows(block)) == 3
    assert [each.resized for each in block.show(other) if each.begin] == [True]
    assert rows(block) == rows(settled(other, view))


@given(cards, cards, views)
def test_a_change_names_every_line_that_is_another_one(one: Card, other: Card, view: View) -> None:
    block = settled(one, view)
    before = rows(block)
    changes = block.show(other)
    block.settle()
    after = rows(block)
    assert after == rows(settled(other, view))
    painted = {
        y
        for change in changes
        for y in range(change.begin, change.end)
        if change.width is None or change.begin == 0
    }
    blank = Row("body", ())
    for y in range(max(len(before), len(after))):
        old = before[y] if y < len(before) else blank
        new = after[y] if y < len(after) else blank
        assert old == new or y in painted
    assert (len(before) != len(after)) == any(change.resized for change in changes)


@given(cards, cards, views)
def test_what_changed_out_of_sight_is_right_when_it_is_looked_at(
    one: Card, other: Card, view: View
) -> None:
    block = settled(one, view)
    block.show(other, is_seen=False)
    block.settle()
    assert rows(block) == rows(settled(other, view))


@given(cards, st.sampled_from(Mark), views)
def test_a_mark_costs_only_its_own_cells(card: Card, mark: Mark, view: View) -> None:
    card = replace(card, best=False)
    block = settled(card, view)
    before = plain(block.line(0, is_current=True).line)
    for change in block.show(replace(card, mark=mark)):
        assert (change.begin, change.end) == (0, 1)
        assert change.width is not None
        after = plain(block.line(0, is_current=True).line)
        assert before[: change.x] == after[: change.x]
        assert before[change.x + change.width :] == after[change.x + change.width :]


@given(
    st.lists(cards, max_size=7), st.integers(1, 4), views, st.integers(0, 60), st.integers(1, 20)
)
def test_a_page_shows_every_line_once(
    given_cards: list[Card], columns: int, view: View, top: int, height: int
) -> None:
    placed = [replace(card, slot=slot, number=slot + 1) for slot, card in enumerate(given_cards)]
    blocks = [Block(card, view) for card in placed]
    page = Page(blocks, columns, WIDTH)
    page.settle(top, height)
    seen = [[*page.pieces(y, 0)] for y in range(top, top + height)]
    while page.settle_one():
        pass
    # What was in view was right before the rest was set.
    assert [[*page.pieces(y, 0)] for y in range(top, top + height)] == seen
    for index, block in enumerate(blocks):
        for y, row in enumerate(rows(block, is_current=block.card.slot == 0)):
            piece = [*page.pieces(page.top(index) + y, 0)][index % columns]
            assert (piece.base, piece.line) == row
            assert piece.x == page.x(index)


def test_columns_share_the_width() -> None:
    assert column_width(100, 2) == 48
    assert column_width(1000, 1) == 130
