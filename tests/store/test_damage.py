"""A session in which somebody else has written nonsense is told as such, and named."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpo_tui.domain.ledger import Region
from dpo_tui.domain.listing import Filter
from dpo_tui.domain.model import Decision, Draft, Mark, Message, Prompt, Verdict
from dpo_tui.domain.searching import Query
from dpo_tui.errors import StoreError
from dpo_tui.store.checks import check_session
from dpo_tui.store.history import read_history
from dpo_tui.store.info import describe
from dpo_tui.store.session import SessionStore
from tests.datasets.samples import quick_folder
from tests.samples import ready

ME = "ann"
PROMPTS = [
    Prompt((Message("user", text),), tags=("t",), responses=ready("good", "bad")) for text in "ab"
]
COLUMNS = [
    ("groups", "messages"),
    ("groups", "settings"),
    ("groups", "ready"),
    ("responses", "source"),
    ("responses", "state"),
    ("responses", "text"),
    ("decisions", "marks"),
    ("decisions", "card_order"),
    ("decisions", "verdict"),
    ("decisions", "lines"),
    ("decisions", "remarks"),
    ("drafts", "marks"),
    ("drafts", "shelved"),
    ("drafts", "remarks"),
    ("typed", "text"),
    ("session", "last_change"),
    ("journal", "action"),
]


def make(path: Path) -> None:
    """One group confirmed, one with marks in progress."""
    with closing(SessionStore.open(path, annotator=ME)) as store:
        store.import_prompts(PROMPTS[:1])
        store.import_prompts(PROMPTS)
        marks = {1: Mark.CHOSEN, 2: Mark.REJECTED}
        decision = Decision(1, ME, Verdict.CONFIRMED, 1, marks, (1, 2), 1, 0.0, 0.0)
        store.decide(decision, Region(0, b"line\n"))
        store.save_draft(2, ME, Draft(1, {0: Mark.CHOSEN}))
        store.keep_text(2, ME, 0, "half a")


def write(path: Path, table: str, column: str, value: object) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE {table} SET {column} = ?", (value,))


def use(path: Path) -> None:
    """Read all of it."""
    describe(path)
    list(read_history(path))
    with closing(SessionStore.open(path, annotator=ME)) as store:
        store.info()
        store.import_prompts([*PROMPTS, *PROMPTS])
        for number in (1, 2):
            store.group(number, ME)
        store.list_groups(ME, Filter.ALL, "t", -1, 9)
        store.find_name("a", -1)
        store.search(Query("a"), -1)
        store.kept_text(2, ME, 0)
        store.unsettled()
        store.undo(ME)
        store.redo(ME)


@given(
    st.sampled_from(COLUMNS),
    st.one_of(
        st.binary(max_size=8),
        st.text('[]{}:,"a1 ', max_size=8),
        st.sampled_from(["[]", "{}", "[[]]", '["a"]', '{"1": "a"}', "[99]", "null", "7"]),
        st.sampled_from([b"[]", b"{}", b"[[]]", b"[1]", b'[["user"]]', b"null", b"7"]),
        st.integers(-1, 99),
    ),
)
@settings(deadline=None)
def test_nonsense_is_told_and_found(place: tuple[str, str], value: object) -> None:
    with quick_folder() as folder:
        path = folder / "s.db"
        make(path)
        write(path, *place, value)
        told: StoreError | None = None
        try:
            use(path)
        except StoreError as error:
            told = error
        assert told is None or (str(path) in told.message and told.remedy)


@pytest.mark.parametrize(
    ("table", "column", "said"),
    [
        ("groups", "messages", "group 1 is damaged"),
        ("groups", "settings", "group 1 is damaged"),
        ("groups", "ready", "group 1 is damaged"),
        ("responses", "source", "response 1 is damaged"),
        ("decisions", "marks", "decision 1 is damaged"),
        ("decisions", "lines", "decision 1 is damaged"),
        ("decisions", "remarks", "decision 1 is damaged"),
        ("drafts", "marks", "marks in progress of group 2 is damaged"),
        ("drafts", "remarks", "marks in progress of group 2 is damaged"),
        ("typed", "text", "text that is being typed in group 2 is damaged"),
        ("session", "last_change", "what it says of itself is damaged"),
        ("journal", "action", "journal"),
    ],
)
def test_verify_names_what_is_damaged(tmp_path: Path, table: str, column: str, said: str) -> None:
    path = tmp_path / "s.db"
    make(path)
    assert check_session(path).damage == []
    write(path, table, column, "{" if column != "action" else "undo")
    before = path.read_bytes()
    assert said in check_session(path).damage[0]
    assert path.read_bytes() == before
