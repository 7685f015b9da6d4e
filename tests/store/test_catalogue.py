"""Lists and searches find what is there, in the order of the queue, in bites of any size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpo_tui.domain.listing import Bite, Filter, Found, GroupRow
from dpo_tui.domain.model import (
    Completion,
    Decision,
    Draft,
    Message,
    Origin,
    Prompt,
    Ready,
    Source,
    State,
    Verdict,
)
from dpo_tui.domain.searching import Query
from dpo_tui.store import catalogue
from dpo_tui.store.session import SessionStore
from tests.datasets.samples import quick_folder
from tests.domain.strategies import texts

ME = "ann"
T = TypeVar("T")


def prompt(text: str, *responses: str, **more: object) -> Prompt:
    made = tuple(Ready(each) for each in responses)
    return Prompt((Message("user", text),), responses=made, **more)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SessionStore]:
    store = SessionStore.open(tmp_path / "s.db", annotator=ME)
    yield store
    store.close()


@pytest.fixture
def small_bites(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "_LISTED", 2)
    monkeypatch.setattr(catalogue, "_NAMED", 2)
    monkeypatch.setattr(catalogue, "_SEARCHED", 2)


def everything(ask: Callable[[int], Bite[T]]) -> list[T]:
    found: list[T] = []
    after: int | None = -1
    while after is not None:
        bite = ask(after)
        assert bite.after is None or bite.after > after
        found += bite.found
        after = bite.after
    return found


def listed(
    store: SessionStore, filter_: Filter, tag: str | None = None, limit: int = 2
) -> list[int]:
    rows = everything(lambda after: store.list_groups(ME, filter_, tag, after, limit))
    assert [row.position for row in rows] == sorted({row.position for row in rows})
    assert listed_backwards(store, filter_, tag, limit) == rows[::-1]
    return [row.id for row in rows]


def listed_backwards(
    store: SessionStore, filter_: Filter, tag: str | None, limit: int
) -> list[GroupRow]:
    rows: list[GroupRow] = []
    place: int | None = 99
    while place is not None:
        bite = store.list_groups(ME, filter_, tag, place, limit, backwards=True)
        assert bite.after is None or bite.after < place
        rows += bite.found
        place = bite.after
    return rows


def searched(store: SessionStore, text: str) -> list[Found]:
    return everything(lambda after: store.search(Query(text), after))


def decide(store: SessionStore, group_id: int, verdict: Verdict) -> None:
    store.decide(Decision(group_id, ME, verdict, 1, {}, (), 0, 0.0, 0.0), None)


def add(store: SessionStore, group_id: int, slot: int, state: State, origin: Origin) -> None:
    store.add_response(group_id, 1, slot, Completion("text", state, Source(origin)))


kinds = st.fixed_dictionaries(
    {
        "verdict": st.none() | st.sampled_from(Verdict),
        "flagged": st.booleans(),
        "edited": st.booleans(),
        "attempts": st.lists(st.sampled_from(State), max_size=2),
        "tags": st.lists(st.sampled_from(['a"', "b", "a"]), max_size=2, unique=True).map(tuple),
        "queued": st.booleans(),
    }
)


@given(st.lists(kinds, max_size=6), st.integers(1, 4))
def test_every_filter_lets_through_what_it_should(groups: list[dict[str, Any]], limit: int) -> None:
    with quick_folder() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogue, "_LISTED", 3)
        patch.setattr(catalogue, "_NAMED", 2)
        store = SessionStore.open(folder / "s.db", annotator=ME)
        check_filters(store, groups, limit)
        store.close()


def check_filters(store: SessionStore, groups: list[dict[str, Any]], limit: int) -> None:
    prompts = [prompt(str(number), tags=each["tags"]) for number, each in enumerate(groups)]
    store.import_prompts(prompts)
    for group_id, each in enumerate(groups, start=1):
        for state in each["attempts"]:
            add(store, group_id, 0, state, Origin.MODEL)
        if each["edited"]:
            add(store, group_id, 1, State.COMPLETE, Origin.EDITED)
        if each["flagged"]:
            store.set_flag(group_id, ME, flagged=True)
        if isinstance(each["verdict"], Verdict):
            decide(store, group_id, each["verdict"])
    # The other way round, without those that left.
    queue = [number for number in reversed(range(len(groups))) if groups[number]["queued"]]
    store.import_prompts([prompts[number] for number in queue])
    broken = {State.EMPTY, State.FAILED, State.ABORTED}
    expected: dict[Filter, Callable[[dict[str, Any]], bool]] = {
        Filter.ALL: lambda _: True,
        Filter.UNDECIDED: lambda each: each["verdict"] is None,
        Filter.SKIPPED: lambda each: each["verdict"] is Verdict.SKIPPED,
        Filter.FLAGGED: lambda each: each["flagged"],
        Filter.EDITED: lambda each: each["edited"],
        Filter.FAILED: lambda each: bool(each["attempts"]) and each["attempts"][-1] in broken,
    }
    tags = [tag for number in queue for tag in groups[number]["tags"]]
    assert [*dict.fromkeys(everything(store.tags))] == [*dict.fromkeys(tags)]
    for filter_, passes in expected.items():
        through = [number + 1 for number in queue if passes(groups[number])]
        assert listed(store, filter_, limit=limit) == through
        for tag in ('a"', "b", "a", "c"):
            tagged = [each for each in through if tag in groups[each - 1]["tags"]]
            assert listed(store, filter_, tag, limit) == tagged


def test_a_row_says_what_is_known_of_a_group(store: SessionStore) -> None:
    messages = (Message("user", "first"), Message("assistant", "so"), Message("user", "x" * 999))
    store.import_prompts([Prompt(messages, name="talk", tags=("a", "b"))])
    add(store, 1, 0, State.FAILED, Origin.MODEL)
    add(store, 1, 1, State.COMPLETE, Origin.WRITTEN)
    store.set_flag(1, ME, flagged=True)
    decide(store, 1, Verdict.SKIPPED)
    ((row,), after) = store.list_groups(ME, Filter.ALL, None, -1, 5)
    assert after is None
    assert (row.id, row.position, row.name, row.tags) == (1, 0, "talk", ("a", "b"))
    assert row.text == "x" * 200
    assert (row.verdict, row.flagged, row.edited, row.failed) == (Verdict.SKIPPED, True, True, True)
    ((other,), _) = store.list_groups("bob", Filter.ALL, None, -1, 5)
    assert (other.verdict, other.flagged, other.edited) == (None, False, True)


def test_a_response_that_was_mended_or_replaced_by_a_new_set_is_no_failure(
    store: SessionStore,
) -> None:
    store.import_prompts(map(prompt, "abc"))
    for group_id in (1, 2, 3):
        add(store, group_id, 0, State.FAILED, Origin.MODEL)
    add(store, 1, 0, State.COMPLETE, Origin.MODEL)
    store.add_response(2, 2, 0, Completion("text", State.COMPLETE, Source(Origin.MODEL)))
    store.save_draft(2, ME, Draft(2))
    assert listed(store, Filter.FAILED) == [3]


@pytest.mark.usefixtures("small_bites")
def test_a_name_is_found_wherever_it_is(store: SessionStore) -> None:
    names = ["a", 'say "so"', "b\\", "\ud800", "a b", None, "1"]
    store.import_prompts(prompt(str(number), name=name) for number, name in enumerate(names))
    for number, name in enumerate(names, start=1):
        if name is not None:
            assert everything(partial(store.find_name, name)) == [number]
    assert everything(partial(store.find_name, "say")) == []
    assert everything(partial(store.find_name, "")) == []


@pytest.mark.usefixtures("small_bites")
def test_words_are_found_in_prompts_and_in_the_newest_responses(store: SessionStore) -> None:
    store.import_prompts(
        [
            prompt("Where is the NEEDLE?", "here", "no needle here"),
            prompt("nothing", "at all"),
            prompt("more", "hay hay hay " * 20 + "Needle" + " and hay" * 20),
            prompt("old", "needle"),
            prompt("gone", "needle"),
        ]
    )
    store.add_response(4, 1, 0, Completion("new", State.COMPLETE, Source(Origin.MODEL)))
    store.import_prompts(
        prompt(text, *said)
        for text, said in (
            ("more", ["hay hay hay " * 20 + "Needle" + " and hay" * 20]),
            ("nothing", ["at all"]),
            ("Where is the NEEDLE?", ["here", "no needle here"]),
            ("old", ["needle"]),
        )
    )
    found = searched(store, "needle")
    assert [(each.group_id, each.slot, each.match) for each in found] == [
        (3, 0, "Needle"),
        (1, None, "NEEDLE"),
        (1, 1, "needle"),
    ]
    assert (found[1].before, found[1].after) == ("Where is the ", "?")
    assert (len(found[0].before), len(found[0].after)) == (60, 60)
    assert searched(store, "needles") == []
    assert [each.group_id for each in store.search_group(Query("NEEDLE"), 5)] == [5]


@given(texts, texts, texts.filter(bool))
def test_what_is_there_is_found(before: str, after: str, words: str) -> None:
    for said in (words, words.upper(), words.lower()):
        if said.casefold() == words.casefold():
            match = Query(words).find(f"{before}{said}{after}")
            assert match is not None
            assert "".join(match) in f"{before}{said}{after}"


@given(texts, texts.filter(bool))
def test_what_is_not_there_is_not_found(text: str, words: str) -> None:
    found = Query(words).find(text)
    assert (found is not None) == (words.casefold() in text.casefold())


def test_a_bite_of_a_search_ends_after_much_text(store: SessionStore) -> None:
    store.import_prompts(prompt(str(number), "long " * 60_000) for number in range(4))
    bite = store.search(Query("nothing"), -1)
    assert bite == Bite([], 0)
    assert searched(store, "nothing") == []
    assert len(searched(store, "long")) == 4
