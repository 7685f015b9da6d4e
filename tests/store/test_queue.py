"""The queue is what the prompts file says, however often and however differently it is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dpo_tui.domain.model import (
    Decision,
    ImportSummary,
    Message,
    Origin,
    Prompt,
    State,
    Verdict,
)
from dpo_tui.store import imports
from dpo_tui.store.session import SessionStore
from tests.datasets.samples import quick_folder
from tests.samples import ready

ME = "ann"
names = st.lists(st.sampled_from("abcdefgh"), max_size=10)


def prompt(text: str, **more: object) -> Prompt:
    return Prompt((Message("user", text),), **more)  # type: ignore[arg-type]


def queued(store: SessionStore) -> list[str]:
    return [each.prompt.messages[-1].content for each in store.upcoming(ME, 0, 99)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SessionStore]:
    store = SessionStore.open(tmp_path / "s.db", annotator=ME)
    yield store
    store.close()


@given(
    st.lists(names, min_size=1, max_size=4),
    st.sets(st.sampled_from("abcdefgh"), max_size=4),
    st.sampled_from([1, 2, 3, 500]),
)
def test_every_import_makes_the_queue_equal_to_the_file(
    files: list[list[str]], decided: set[str], batch: int
) -> None:
    with quick_folder() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(imports, "_BATCH", batch)
        store = SessionStore.open(folder / "s.db", annotator=ME)
        seen: set[str] = set()
        before: set[str] = set()
        done: set[str] = set()
        for number, file in enumerate(files):
            wanted = list(dict.fromkeys(file))
            summary = store.import_prompts(map(prompt, file))
            assert replace(summary, moved=0) == ImportSummary(
                returned=len(set(file) & (seen - before)),
                added=len(set(file) - seen),
                known=len(set(file) & seen),
                removed=len(before - set(file)),
                duplicates=len(file) - len(wanted),
            )
            assert queued(store) == [each for each in wanted if each not in done]
            assert [each.position for each in store.upcoming(ME, 0, 99)] == [
                place for place, each in enumerate(wanted) if each not in done
            ]
            progress = store.progress(ME)
            assert (progress.total, progress.skipped) == (len(wanted), len(done & set(wanted)))
            if number == 0:
                for each in store.upcoming(ME, 0, 99):
                    if each.prompt.messages[-1].content in decided:
                        done.add(each.prompt.messages[-1].content)
                        store.decide(
                            Decision(each.id, ME, Verdict.SKIPPED, 1, {}, (), 0, 0.0, 0.0), None
                        )
            before, seen = set(file), seen | set(file)
        store.close()


def test_batches_see_the_duplicates_of_earlier_ones(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "_BATCH", 2)
    file = [
        prompt("a", tags=("x",), responses=ready("1")),
        prompt("b"),
        prompt("a", tags=("y", "x"), responses=ready("2", "1")),
        prompt("b", responses=ready("3")),
        prompt("b", tags=("z",)),
    ]
    for summary in (ImportSummary(2, 0, 0, 3), ImportSummary(0, 2, 0, 3)):
        assert store.import_prompts(file) == summary
        one, two = store.upcoming(ME, 0, 9)
        assert (one.prompt.tags, one.prompt.responses) == (("x", "y"), ready("1", "2"))
        assert (two.prompt.tags, two.prompt.responses) == (("z",), ready("3"))


def test_ready_made_responses_are_cards_once(store: SessionStore) -> None:
    store.import_prompts([prompt("a", responses=ready("1", " ", "1"))])
    store.import_prompts([prompt("a", responses=ready("1", " ", "1"))])
    (group,) = store.upcoming(ME, 0, 9)
    assert [(each.set_no, each.slot) for each in group.responses] == [(1, 0), (1, 1)]
    assert [each.completion.text for each in group.responses] == ["1", " "]
    assert [each.completion.state for each in group.responses] == [State.COMPLETE, State.EMPTY]
    assert {each.completion.source.origin for each in group.responses} == {Origin.READY}
    store.import_prompts([prompt("a", responses=ready("2", "1"))])
    (group,) = store.upcoming(ME, 0, 9)
    assert [each.completion.text for each in group.responses] == ["1", " ", "2"]
    assert group.prompt.responses == ready("2", "1")
    store.import_prompts([prompt("a")])
    (group,) = store.upcoming(ME, 0, 9)
    assert group.prompt.responses == ()
    assert len(group.responses) == 3


def test_changed_settings_of_a_known_prompt_are_taken(store: SessionStore) -> None:
    store.import_prompts([prompt("a", n=3, tags=("old",), name="one")])
    summary = store.import_prompts([prompt("a", n=4, temperatures=(0.1, 0.9))])
    assert summary == ImportSummary(known=1, changed=1) == store.info().last_change
    (group,) = store.upcoming(ME, 0, 9)
    assert group.prompt == prompt("a", n=4, temperatures=(0.1, 0.9))


def test_an_interrupted_import_leaves_the_queue_as_it_was(store: SessionStore) -> None:
    def broken() -> Iterator[Prompt]:
        yield prompt("b")
        raise KeyboardInterrupt

    store.import_prompts([prompt("a")])
    with pytest.raises(KeyboardInterrupt):
        store.import_prompts(broken())
    assert queued(store) == ["a"]
    assert store.import_prompts([prompt("b"), prompt("a")]) == ImportSummary(1, 1, 0, 0, moved=1)
    assert queued(store) == ["b", "a"]


def test_a_group_that_left_the_queue_can_still_be_seen(store: SessionStore) -> None:
    store.import_prompts([prompt("a")])
    store.import_prompts([])
    assert store.next_undecided(ME, -1) is None
    assert store.group(1, ME).position == -1


def test_next_goes_on_behind_a_place_and_then_from_the_start(store: SessionStore) -> None:
    store.import_prompts(map(prompt, "abc"))
    assert [store.next_undecided(ME, after) for after in (-1, 0, 1, 2, 9)] == [1, 2, 3, 1, 1]
    assert [each.id for each in store.upcoming(ME, 1, 1)] == [2]


def test_a_second_annotator_has_the_whole_queue(store: SessionStore) -> None:
    store.import_prompts(map(prompt, "ab"))
    store.decide(Decision(1, ME, Verdict.SKIPPED, 1, {}, (), 0, 0.0, 0.0), None)
    assert store.next_undecided("other", -1) == 1
    assert store.progress("other").left == 2
    assert store.group(1, "other").decision is None
    assert store.undo("other") is None
