"""What goes into a session comes out of it exactly, and decisions are never lost or changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dpo_tui.domain.ledger import Entry, Region
from dpo_tui.domain.model import (
    Completion,
    Decision,
    Draft,
    Mark,
    Message,
    Origin,
    Prompt,
    Remarks,
    Shelved,
    Source,
    State,
    Verdict,
)
from dpo_tui.errors import StoreError
from dpo_tui.service.ports import Store
from dpo_tui.store.checks import check_session
from dpo_tui.store.session import SessionStore
from tests.datasets.samples import quick_folder
from tests.domain.strategies import drafts, prompts, samplings, texts
from tests.samples import ready

ME = "ann \ud800"

completions = st.builds(
    Completion,
    text=texts,
    state=st.sampled_from(State),
    source=st.builds(
        Source,
        st.sampled_from(Origin),
        st.none() | texts,
        st.none() | texts,
        st.none() | samplings,
        st.none() | st.integers(1, 99),
    ),
    reasoning=texts,
    finish_reason=st.none() | texts,
    error=texts,
    prompt_tokens=st.none() | st.integers(0, 2**40),
    completion_tokens=st.none() | st.integers(0, 2**40),
    first_token_seconds=st.none() | st.floats(0, 1e6),
    seconds=st.none() | st.floats(0, 1e6),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SessionStore]:
    store = SessionStore.open(tmp_path / "s.db", annotator=ME)
    store.import_prompts(
        Prompt((Message("user", text),), responses=ready("good", "bad", "odd")) for text in "ab"
    )
    yield store
    store.close()


def decision(group_id: int = 1, **changes: object) -> Decision:
    first = 3 * group_id - 2
    marks = {first: Mark.CHOSEN, first + 1: Mark.REJECTED, first + 2: Mark.EXCLUDED}
    made = Decision(group_id, ME, Verdict.CONFIRMED, 1, marks, tuple(marks), 1, 12.5, 3.25)
    return replace(made, **changes)


def skip(group_id: int = 1) -> Decision:
    return decision(group_id, verdict=Verdict.SKIPPED, marks={}, order=(), pair_count=0)


def region(number: int) -> Region:
    return Region(10 * number, b"line %d\n" % number)


def test_it_is_what_the_service_asks_for(store: SessionStore) -> None:
    port: Store = store
    assert port.path.exists()


@given(st.lists(prompts, max_size=3, unique_by=lambda each: each.key), completions, drafts)
def test_everything_reads_back_exactly(
    given_prompts: list[Prompt], completion: Completion, draft: Draft
) -> None:
    with quick_folder() as folder:
        store = SessionStore.open(folder / "s.db", annotator=ME)
        store.import_prompts(given_prompts)
        for group_id in range(1, len(given_prompts) + 1):
            store.add_response(group_id, 2, 0, completion)
            store.save_draft(group_id, ME, draft)
        store.close()
        store = SessionStore.open(folder / "s.db", annotator=ME)
        for group, prompt in zip(store.upcoming(ME, 0, 9), given_prompts, strict=True):
            distinct = {each.text: each for each in reversed(prompt.responses)}
            assert group.prompt == prompt._replace(responses=tuple(reversed(distinct.values())))
            assert group.responses[-1].completion == completion
            assert group.draft == draft
        store.close()


def test_the_newest_attempt_at_a_slot_counts_and_the_others_stay(store: SessionStore) -> None:
    made = [
        store.add_response(1, set_no, slot, Completion(text, State.COMPLETE, Source(Origin.MODEL)))
        for set_no, slot, text in ((2, 1, "x"), (2, 0, "y"), (2, 1, "z"))
    ]
    group = store.group(1, ME)
    assert group.responses[3:] == (made[1], made[2])
    assert group.draft == Draft(set_no=2)
    with sqlite3.connect(store.path) as connection:
        assert connection.execute("SELECT count(*) FROM responses").fetchone() == (9,)
    connection.close()


def test_a_decision_reads_back_and_ends_the_draft(store: SessionStore) -> None:
    store.save_draft(1, ME, Draft(1, {0: Mark.CHOSEN}))
    made = store.decide(decision(), None)
    group = store.group(1, ME)
    assert group.decision == made == replace(decision(), id=made.id)
    assert group.draft == Draft(1, {0: Mark.CHOSEN, 2: Mark.EXCLUDED})
    assert store.next_undecided(ME, -1) == 2


def test_undo_walks_back_over_a_restart(tmp_path: Path, store: SessionStore) -> None:
    first = store.decide(decision(1), None)
    second = store.decide(skip(2), None)
    changed = store.decide(skip(1), None)
    store.close()
    store = SessionStore.open(tmp_path / "s.db", annotator=ME)
    assert store.undo(ME) == (changed, None)
    assert store.group(1, ME).decision == first
    assert (store.progress(ME).confirmed, store.progress(ME).skipped) == (1, 1)
    assert store.undo(ME) == (second, None)
    assert store.group(2, ME).draft == Draft()
    assert store.undo(ME) == (first, None)
    assert store.group(1, ME).draft == Draft(1, {0: Mark.CHOSEN, 2: Mark.EXCLUDED})
    assert store.undo(ME) is None
    assert store.progress(ME).left == 2
    again = store.decide(decision(1), None)
    assert store.undo(ME) == (again, None)
    store.close()


def test_redo_walks_forward_over_a_restart_until_something_else_is_decided(
    tmp_path: Path, store: SessionStore
) -> None:
    first = store.decide(decision(1), region(1))
    changed = store.decide(skip(1), None)
    second = store.decide(skip(2), None)
    for _ in range(3):
        store.undo(ME)
    assert store.progress(ME).left == 2
    store.close()
    store = SessionStore.open(tmp_path / "s.db", annotator=ME)
    assert store.redo(ME) == first
    assert store.group(1, ME).decision == first
    assert store.unsettled() == [Entry(first.id, region(1), wanted=True, written=False)]
    assert store.redo(ME) == changed
    assert [each.wanted for each in store.unsettled()] == [False]
    assert store.undo(ME) == (changed, None)
    assert store.group(1, ME).draft == Draft(1, {0: Mark.CHOSEN, 2: Mark.EXCLUDED})
    assert store.redo(ME) == changed
    assert store.redo(ME) == second
    assert store.redo(ME) is None
    assert store.progress(ME).skipped == 2
    store.undo(ME)
    store.decide(decision(2), None)
    assert store.redo(ME) is None
    store.close()


def test_a_decided_group_shows_its_marks_until_others_are_made(store: SessionStore) -> None:
    store.decide(decision(1), None)
    assert store.group(1, ME).draft == Draft(1, {0: Mark.CHOSEN, 2: Mark.EXCLUDED})
    store.save_draft(1, ME, Draft(1, {1: Mark.CHOSEN}))
    assert store.group(1, ME).draft == Draft(1, {1: Mark.CHOSEN})
    store.undo(ME)
    assert store.group(1, ME).draft == Draft(1, {1: Mark.CHOSEN})
    again = store.redo(ME)
    assert store.group(1, ME).draft == Draft(1, {0: Mark.CHOSEN, 2: Mark.EXCLUDED})
    changed = store.decide(decision(1), None)
    store.save_draft(1, ME, Draft(1, {1: Mark.CHOSEN}))
    assert store.undo(ME) == (changed, None)
    group = store.group(1, ME)
    assert (group.decision, group.draft) == (again, Draft(1, {1: Mark.CHOSEN}))


def test_remarks_are_part_of_a_decision_and_come_back_when_it_is_taken_back(
    tmp_path: Path, store: SessionStore
) -> None:
    remarks = Remarks(tie=True, best=1, strength=2, note="odd \ud800 one", labels=("wrong", "long"))
    made = store.decide(decision(1, remarks=remarks), None)
    store.close()
    store = SessionStore.open(tmp_path / "s.db", annotator=ME)
    assert store.group(1, ME).decision == made
    by_slot = replace(remarks, best=0)
    assert store.group(1, ME).draft.remarks == by_slot
    store.undo(ME)
    group = store.group(1, ME)
    assert (group.decision, group.draft.remarks) == (None, by_slot)
    redone = store.redo(ME)
    assert redone is not None
    assert redone.remarks == remarks
    store.close()


def test_flags_belong_to_an_annotator_and_to_no_decision(
    tmp_path: Path, store: SessionStore
) -> None:
    store.set_flag(1, ME, flagged=True)
    store.set_flag(1, ME, flagged=True)
    store.decide(decision(1), None)
    store.close()
    store = SessionStore.open(tmp_path / "s.db", annotator=ME)
    assert store.group(1, ME).flagged
    assert not store.group(1, "bob").flagged
    store.undo(ME)
    assert store.group(1, ME).flagged
    store.set_flag(1, ME, flagged=False)
    assert not store.group(1, ME).flagged
    store.close()


def test_typed_responses_and_attempts_never_share_a_slot(store: SessionStore) -> None:
    store.keep_text(1, ME, 2, "half a")
    store.keep_text(1, ME, 0, "another")

    def typed(slot: int, annotator: str) -> int:
        completion = Completion("typed", State.COMPLETE, Source(Origin.WRITTEN))
        made = store.add_own(
            1, annotator, 1, slot, completion, lambda got: Draft(1, {got: Mark.CHOSEN}), 2
        )
        assert store.group(1, annotator).draft == Draft(1, {made.slot: Mark.CHOSEN})
        return made.slot

    model = Completion("made", State.COMPLETE, Source(Origin.MODEL))
    assert typed(3, ME) == 3
    assert typed(3, "bob") == 4
    assert store.add_response(1, 1, 3, model).slot == 5
    assert store.add_response(1, 1, 5, model).slot == 5
    assert store.add_response(1, 2, 3, model).slot == 3
    assert typed(9, ME) == 9
    assert [each.slot for each in store.group(1, ME).responses if each.set_no == 1] == [
        *(0, 1, 2, 3, 4, 5, 9)
    ]
    assert (store.kept_text(1, ME, 2), store.kept_text(1, ME, 0)) == (None, "another")


def test_a_mark_of_another_annotator_goes_with_the_response_it_was_given(
    store: SessionStore,
) -> None:
    model = Completion("made", State.COMPLETE, Source(Origin.MODEL))
    drafts = [
        Draft(1, {0: Mark.CHOSEN, 1: Mark.CHOSEN}, remarks=Remarks(best=0)),
        Draft(2, {0: Mark.CHOSEN}, {1: Shelved({0: Mark.EXCLUDED, 2: Mark.CHOSEN})}),
    ]
    for name, draft in zip(("bob", "eve"), drafts, strict=True):
        store.save_draft(1, name, draft)
    store.save_draft(1, ME, Draft(1, {0: Mark.CHOSEN}))
    store.add_response(1, 1, 3, model)
    assert [store.group(1, each).draft for each in ("bob", "eve")] == drafts
    store.add_response(1, 1, 0, model)
    assert store.group(1, "bob").draft == Draft(1, {1: Mark.CHOSEN})
    assert store.group(1, "eve").draft == Draft(2, {0: Mark.CHOSEN}, {1: Shelved({2: Mark.CHOSEN})})
    assert store.group(1, ME).draft.marks == {0: Mark.CHOSEN}, "marked while it streamed"


def test_skipped_groups_are_found_in_the_order_of_the_queue(store: SessionStore) -> None:
    store.import_prompts(Prompt((Message("user", text),)) for text in "cbad")
    by_text = {each.prompt.messages[0].content: each.id for each in store.upcoming(ME, 0, 9)}
    for text in "abd":
        store.decide(skip(by_text[text]), None)
    store.decide(decision(by_text["b"], marks={}, order=()), None)
    found, after = [], -1
    while (group_id := store.next_skipped(ME, after)) is not None:
        found.append(group_id)
        after = store.group(group_id, ME).position
    assert found == [by_text["a"], by_text["d"]]
    store.undo(ME)
    store.import_prompts(Prompt((Message("user", text),)) for text in "db")
    assert store.next_skipped(ME, -1) == by_text["d"]
    assert store.next_skipped(ME, 0) == by_text["b"]
    assert store.next_skipped(ME, 1) is None
    assert check_session(store.path).deviations == []


def test_a_position_leads_to_its_group(store: SessionStore) -> None:
    assert [store.group_at(position) for position in (-1, 0, 1, 2)] == [None, 1, 2, None]


def test_regions_follow_what_counts(store: SessionStore) -> None:
    first = store.decide(decision(1), region(1))
    assert store.unsettled() == [Entry(first.id, region(1), wanted=True, written=False)]
    moved = Region(500, b"\n" + region(1).data)
    store.settle([Entry(first.id, moved, wanted=True, written=True)])
    assert store.unsettled() == []
    assert list(store.settled()) == [Entry(first.id, moved, wanted=True, written=True)]
    second = store.decide(decision(1), region(2))
    replaced = [
        Entry(first.id, moved, wanted=False, written=True),
        Entry(second.id, region(2), wanted=True, written=False),
    ]
    assert store.unsettled() == replaced
    store.settle(replaced)
    assert list(store.settled()) == [Entry(second.id, region(2), wanted=True, written=True)]
    assert store.undo(ME) == (second, Entry(second.id, region(2), wanted=False, written=True))
    assert [each.wanted for each in store.unsettled()] == [True, False]


def test_an_outdated_settlement_is_not_taken(store: SessionStore) -> None:
    store.decide(decision(1), region(1))
    old = store.unsettled()
    store.undo(ME)
    store.settle(old)
    assert [each.wanted for each in store.unsettled()] == [False]


def test_settled_entries_come_last_one_first_over_many_pages(store: SessionStore) -> None:
    store.import_prompts(Prompt((Message("user", str(number)),)) for number in range(60))
    ids = [each.id for each in store.upcoming(ME, 0, 99)]
    for place, group_id in enumerate(ids):
        store.decide(decision(group_id), region(place))
    store.settle(store.unsettled())
    offsets = [each.region.offset for each in store.settled()]
    assert offsets == [10 * place for place in reversed(range(60))]


def test_it_remembers_its_files(store: SessionStore) -> None:
    store.remember(prompts_path=Path("/a\udcff.toml"), dataset_path=Path("/b.jsonl"))
    store.remember(dataset_path=Path("/c.jsonl"))
    info = store.info()
    assert (info.prompts_path, info.dataset_paths) == (
        Path("/a\udcff.toml"),
        {ME: Path("/c.jsonl")},
    )


def test_an_unknown_group_is_told(store: SessionStore) -> None:
    with pytest.raises(StoreError, match="no group 99"):
        store.group(99, ME)


def test_a_closed_session_tells_instead_of_failing_oddly(store: SessionStore) -> None:
    store.close()
    store.close()
    with pytest.raises(StoreError):
        store.decide(decision(), None)
