"""Confirmed groups, read in bulk: the same that the session gives one by one."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpo_tui.domain.judged import Judged, judged
from dpo_tui.domain.model import Origin, Prompt, Remarks
from dpo_tui.errors import StoreError
from dpo_tui.store.judged import reading_judged
from dpo_tui.store.session import SessionStore
from tests.datasets.samples import quick_folder
from tests.sessions import ANNOTATOR, decide, make_session, prompt


def read(
    path: Path, *annotators: str, since: float = 0.0, sources: bool = False
) -> list[list[Judged]]:
    with reading_judged(path) as groups:
        names = annotators or tuple(groups.annotators())
        ids = groups.ids(names, since)
        return list(groups.read(ids, names, since, sources=sources))


def one_by_one(path: Path, ids: Sequence[int]) -> list[Judged]:
    """The same through the session itself."""
    found = []
    with closing(SessionStore.open(path, annotator=ANNOTATOR)) as store:
        for each in ids:
            group = store.group(each, ANNOTATOR)
            assert group.decision
            found.append(
                judged(group.prompt, group.shown(), group.decision.marks, group.decision.remarks)
            )
    return found


texts = st.text(st.characters(exclude_categories=()), min_size=1, max_size=5).filter(str.strip)
remarks = st.builds(
    Remarks,
    tie=st.booleans(),
    best=st.none() | st.integers(0, 1),
    strength=st.none() | st.integers(1, 3),
    note=texts | st.just(""),
    labels=st.lists(texts, max_size=2).map(tuple),
)
judgements = st.tuples(st.text("+-x", min_size=2, max_size=2), remarks)


@given(
    st.lists(
        st.tuples(texts, texts, texts, judgements),
        min_size=1,
        max_size=4,
        unique_by=lambda each: each[0],
    )
)
def test_bulk_reading_gives_what_the_session_has(
    rows: list[tuple[str, str, str, tuple[str, Remarks]]],
) -> None:
    with quick_folder() as folder:
        path = folder / "s.db"
        make_session(path, [prompt(user, one, f"{one}{two}") for user, one, two, _ in rows])
        for number, (_, _, _, (marks, said)) in enumerate(rows, start=1):
            decide(path, number, marks, remarks=said)
        bulk = [each for (each,) in read(path)]
        assert len(bulk) == len(rows)
        for ours, theirs in zip(bulk, one_by_one(path, range(1, len(rows) + 1)), strict=True):
            assert (ours.key, ours.messages, ours.answers, ours.remarks) == (
                theirs.key,
                theirs.messages,
                theirs.answers,
                theirs.remarks,
            )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Six groups by two annotators: confirmed, skipped, taken back, decided anew."""
    path = tmp_path / "s.db"
    make_session(path, [prompt(f"Q{each}", "a", "b", tags=["t"]) for each in range(1, 7)])
    decide(path, 1, "+-", at=100.0)
    decide(path, 2, "")
    decide(path, 3, "-+", at=300.0)
    decide(path, 3, "+-", at=301.0)
    decide(path, 4, "+-", at=400.0)
    with closing(SessionStore.open(path, annotator=ANNOTATOR)) as store:
        store.undo(ANNOTATOR)
    decide(path, 5, "+-", annotator="bob", at=500.0)
    decide(path, 1, "-+", annotator="bob", at=501.0)
    return path


def test_only_confirmed_decisions_that_count_are_read(path: Path) -> None:
    assert [(each.name, each.decided_at) for (each,) in read(path, ANNOTATOR)] == [
        ("Q1", 100.0),
        ("Q3", 301.0),
    ]
    with reading_judged(path) as groups:
        assert groups.annotators() == {ANNOTATOR: 2, "bob": 2}


def test_several_annotators_come_together_by_group(path: Path) -> None:
    assert [[(each.name, each.annotator) for each in group] for group in read(path)] == [
        [("Q1", ANNOTATOR), ("Q1", "bob")],
        [("Q3", ANNOTATOR)],
        [("Q5", "bob")],
    ]


def test_older_decisions_can_be_left_out(path: Path) -> None:
    assert [each.name for (each,) in read(path, ANNOTATOR, since=101.0)] == ["Q3"]
    assert [len(each) for each in read(path, since=400.0)] == [1, 1]


def test_any_order_is_kept_and_sources_come_when_asked_for(path: Path) -> None:
    with reading_judged(path) as groups:
        found = [*groups.read([3, 1], [ANNOTATOR], 0.0, sources=True)]
    assert [each.name for (each,) in found] == ["Q3", "Q1"]
    for (each,) in found:
        assert [answer.slot for answer in each.answers] == [0, 1]
        assert all(answer.source for answer in each.answers)
        assert {answer.source.origin for answer in each.answers if answer.source} == {Origin.READY}
        assert each.tags == ("t",)


def test_conversations_alone_are_as_judged(path: Path) -> None:
    with reading_judged(path) as groups:
        ids = groups.ids([ANNOTATOR, "bob"], 0.0)
        judged_ones = groups.read(ids, [ANNOTATOR, "bob"], 0.0, sources=False)
        assert [*groups.conversations(ids)] == [
            (number, each[0].messages) for number, each in zip(ids, judged_ones, strict=True)
        ]


def test_removed_prompts_go_with_the_setting(path: Path) -> None:
    with closing(SessionStore.open(path, annotator=ANNOTATOR)) as store:
        store.import_prompts([prompt("Q1", "a", "b")])
    assert len(read(path, ANNOTATOR)) == 2
    with closing(SessionStore.open(path, annotator=ANNOTATOR)) as store:
        store.keep_removed(drops=True)
    assert [each.name for (each,) in read(path, ANNOTATOR)] == ["Q1"]


def test_what_others_do_meanwhile_is_not_seen(path: Path) -> None:
    with reading_judged(path) as groups:
        before = groups.ids([ANNOTATOR], 0.0)
        decide(path, 6, "+-")
        assert groups.ids([ANNOTATOR], 0.0) == before


def test_what_was_committed_is_noticed_and_can_be_turned_to(path: Path) -> None:
    with reading_judged(path) as groups:
        before = groups.commits()
        assert groups.commits() == before
        decide(path, 6, "+-")
        assert groups.commits() != before
        assert 6 not in groups.ids([ANNOTATOR], 0.0)
        groups.begin()
        assert 6 in groups.ids([ANNOTATOR], 0.0)


def test_more_than_a_batch(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    count = 600
    prompts: list[Prompt] = [prompt(f"Q{each}", "a", "b") for each in range(count)]
    make_session(path, prompts)
    for each in range(1, count + 1, 7):
        decide(path, each, "+-")
    assert [each.name for (each,) in read(path)] == [f"Q{each}" for each in range(0, count, 7)]


def test_a_damaged_decision_is_told(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE decisions SET marks = '{' WHERE id = 1")
    with pytest.raises(StoreError, match="can't be read"):
        read(path, ANNOTATOR)


def test_surrogates_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    make_session(path, [prompt("Q\ud83d", "a\ud83d", "b"), prompt("R", "a", "b")])
    decide(path, 1, "+-")
    decide(path, 2, "+-")
    (first,), (second,) = read(path)
    assert (first.replaced, second.replaced) == (2, 0)
    assert first.messages[0].content == "Q\ufffd"
    assert [each.text for each in first.answers] == ["a\ufffd", "b"]
