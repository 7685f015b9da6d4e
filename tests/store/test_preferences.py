"""What a prompts file says of its responses becomes marks or decisions, and what was said first
counts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpo_tui.domain.model import (
    Draft,
    Mark,
    Message,
    Preference,
    PreferenceUse,
    Prompt,
    Remarks,
    Verdict,
)
from dpo_tui.domain.pairs import make_pairs
from dpo_tui.store.checks import check_session
from dpo_tui.store.session import SessionStore
from tests.datasets.samples import quick_folder
from tests.samples import ready

ME = "ann"
GOOD, BAD, OUT = Mark.CHOSEN, Mark.REJECTED, Mark.EXCLUDED


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SessionStore]:
    store = SessionStore.open(tmp_path / "s.db", annotator=ME, clock=lambda: 7.0)
    yield store
    store.close()


def judged(name: str, *texts: str, **preference: Any) -> Prompt:
    """A prompt whose first response is the best, unless the preference says otherwise."""
    marks = {index: BAD if index else GOOD for index in range(len(texts))}
    said = Preference(marks)._replace(**preference)
    return Prompt((Message("user", name),), responses=ready(*texts), preferences=(said,))


def suggest(store: SessionStore, *prompts: Prompt) -> tuple[int, int, int, int]:
    summary = store.import_prompts(prompts, use=PreferenceUse.SUGGEST)
    return summary.judged, summary.ties, summary.preferred, summary.contradicted


def decide(store: SessionStore, *prompts: Prompt) -> tuple[int, int, int, int]:
    summary = store.import_prompts(prompts, use=PreferenceUse.DECIDE, source="a.jsonl")
    return summary.judged, summary.ties, summary.preferred, summary.contradicted


def test_they_are_counted_and_nothing_else_unless_that_is_asked_for(store: SessionStore) -> None:
    summary = store.import_prompts([judged("a", "x", "y"), judged("b", "x", "y", marks={})])
    assert (summary.judged, summary.ties, summary.preferred) == (2, 1, 0)
    assert store.group(1, ME).draft == Draft()
    assert store.group(1, ME).prompt.preferences == ()


def test_suggested_marks_are_a_draft(store: SessionStore) -> None:
    assert suggest(store, judged("a", "x", "y", "z", marks={1: GOOD, 0: BAD}, strength=2)) == (
        1,
        0,
        1,
        0,
    )
    assert store.group(1, ME).draft == Draft(1, {0: BAD, 1: GOOD}, remarks=Remarks(strength=2))
    assert store.progress(ME).left == 1


def test_rows_about_one_prompt_are_joined_and_the_first_counts(store: SessionStore) -> None:
    rows = [judged("a", "x", "y"), judged("a", "x", "z"), judged("a", "y", "z")]
    assert suggest(store, *rows) == (3, 0, 2, 1)
    assert store.group(1, ME).draft.marks == {0: GOOD, 1: BAD, 2: BAD}


def test_what_the_person_has_marked_or_decided_stays(store: SessionStore) -> None:
    store.import_prompts([judged("a", "x", "y", "z"), judged("b", "x", "y")])
    store.save_draft(1, ME, Draft(1, {0: BAD}))
    store.save_draft(2, ME, Draft(2))
    assert suggest(store, judged("a", "x", "y", "z"), judged("b", "x", "y")) == (2, 0, 1, 1)
    assert store.group(1, ME).draft.marks == {0: BAD, 1: BAD, 2: BAD}
    assert store.group(2, ME).draft == Draft(2)


def test_a_text_that_is_better_than_itself_says_nothing(store: SessionStore) -> None:
    assert suggest(store, judged("a", "x", "x")) == (1, 0, 0, 1)
    assert store.group(1, ME).draft == Draft()


def test_decisions_are_those_of_an_annotator_named_after_the_file(store: SessionStore) -> None:
    assert decide(store, judged("a", "x", "y", "z", strength=3), judged("b", "x", "y")) == (
        2,
        0,
        2,
        0,
    )
    decision = store.group(1, "a.jsonl").decision
    assert decision is not None
    assert (decision.verdict, decision.pair_count) == (Verdict.CONFIRMED, 2)
    assert decision.marks == {1: GOOD, 2: BAD, 3: BAD}
    assert (decision.decided_at, decision.remarks) == (7.0, Remarks(strength=3))
    assert store.progress("a.jsonl").pairs == 3
    assert (store.progress(ME).confirmed, store.progress(ME).left) == (0, 2)


def test_decisions_for_an_edited_file_come_from_somebody_new(store: SessionStore) -> None:
    store.import_prompts([judged("a", "x", "y"), judged("b", "x", "y")])
    assert decide(store, judged("c", "x", "y"), judged("a", "x", "y")) == (2, 0, 2, 0)
    assert store.progress("a.jsonl").confirmed == 2
    assert store.next_undecided("a.jsonl", -1) is None


def test_what_several_have_said_are_decisions_of_several(store: SessionStore) -> None:
    first = judged("a", "x", "y", by="u1")
    other = Preference({0: BAD, 1: GOOD}, by="u2")
    decide(store, first._replace(preferences=(*first.preferences, other)))
    by_one, by_other = (store.group(1, f"a.jsonl/{each}").decision for each in ("u1", "u2"))
    assert by_one is not None
    assert by_other is not None
    assert (by_one.marks, by_other.marks) == ({1: GOOD, 2: BAD}, {1: BAD, 2: GOOD})


def test_deciding_again_changes_only_what_is_new(store: SessionStore) -> None:
    assert decide(store, judged("a", "x", "y")) == (1, 0, 1, 0)
    assert decide(store, judged("a", "x", "y")) == (1, 0, 0, 0)
    assert decide(store, judged("a", "x", "y"), judged("a", "x", "z")) == (2, 0, 1, 0)
    decision = store.group(1, "a.jsonl").decision
    assert decision is not None
    assert decision.marks == {1: GOOD, 2: BAD, 3: BAD}
    assert store.progress("a.jsonl").confirmed == 1


def test_no_decision_makes_a_pair_that_was_not_stated(store: SessionStore) -> None:
    rows = [judged("a", "A", "B"), judged("a", "B", "C"), judged("b", "9", "8")]
    summary = store.import_prompts(
        [*rows, judged("b", "3", "1"), judged("b", "9", "1")],
        use=PreferenceUse.DECIDE,
        source="a.jsonl",
    )
    assert (summary.preferred, summary.contradicted, summary.kept_apart) == (3, 0, 2)
    first, second = (store.group(each, "a.jsonl").decision for each in (1, 2))
    assert first is not None
    assert second is not None
    assert [*first.marks.values()] == [GOOD, BAD, OUT]
    assert [*second.marks.values()] == [GOOD, BAD, OUT, BAD]


def test_labels_of_one_prompt_are_one_decision(store: SessionStore) -> None:
    labels = [
        judged("a", text, marks={0: mark})
        for text, mark in zip("xyz", (GOOD, BAD, BAD), strict=True)
    ]
    assert decide(store, *labels) == (3, 0, 3, 0)
    decision = store.group(1, "a.jsonl").decision
    assert decision is not None
    assert [*decision.marks.values()] == [GOOD, BAD, BAD]


def test_what_nothing_is_said_of_is_excluded(store: SessionStore) -> None:
    decide(store, judged("a", "x", "y", "z", marks={0: GOOD, 2: BAD}))
    decision = store.group(1, "a.jsonl").decision
    assert decision is not None
    assert decision.marks == {1: GOOD, 2: OUT, 3: BAD}


_MARKS = st.dictionaries(st.integers(0, 2), st.sampled_from([GOOD, BAD]), max_size=3)
_ROWS = st.lists(
    st.builds(
        lambda name, texts, marks, by: judged(name, *texts, marks=marks, by=by),
        st.sampled_from("ab"),
        st.permutations("xyz"),
        _MARKS,
        st.sampled_from(["", "u"]),
    ),
    max_size=6,
)


def _stated(prompt: Prompt) -> set[tuple[str, str, str, str]]:
    """The pairs that a prompt's preferences state: whose, of what, the better, the worse."""
    return {
        (
            each.by,
            prompt.messages[0].content,
            prompt.responses[good].text,
            prompt.responses[bad].text,
        )
        for each in prompt.preferences
        for good, mark in each.marks.items()
        for bad, other in each.marks.items()
        if (mark, other) == (GOOD, BAD)
    }


_COMPARED = st.lists(
    st.builds(
        lambda name, texts, marks, by: judged(name, *texts, marks=dict(enumerate(marks)), by=by),
        st.sampled_from("ab"),
        st.lists(st.sampled_from("wxyz"), min_size=4, max_size=4),
        st.permutations([GOOD, BAD]).flatmap(
            lambda both: st.lists(st.sampled_from(both), max_size=2).map(lambda more: both + more)
        ),
        st.sampled_from(["", "u"]),
    ),
    max_size=8,
)


@given(_COMPARED)
def test_pairs_of_decisions_were_stated(rows: list[Prompt]) -> None:
    with quick_folder() as folder:
        store = SessionStore.open(folder / "s.db", annotator=ME)
        for _ in range(2):
            store.import_prompts(rows, use=PreferenceUse.DECIDE, source="f")
        stated = {pair for row in rows for pair in _stated(row)}
        for by, group_id in product(("", "u"), range(1, store.progress(ME).total + 1)):
            group = store.group(group_id, f"f/{by}" if by else "f")
            if group.decision is None:
                continue
            pairs = make_pairs(group.prompt, group.responses, group.decision.marks).pairs
            name = group.prompt.messages[0].content
            assert {(by, name, each.chosen, each.rejected) for each in pairs} <= stated
        store.close()


@given(_ROWS, _ROWS, st.sampled_from(PreferenceUse))
def test_a_session_is_whole_whatever_was_said(
    before: list[Prompt], rows: list[Prompt], use: PreferenceUse
) -> None:
    with quick_folder() as folder:
        store = SessionStore.open(folder / "s.db", annotator=ME)
        if before:
            store.import_prompts(before)
        for _ in range(2):
            store.import_prompts(rows, use=use, source="a.jsonl")
        store.close()
        check = check_session(folder / "s.db")
        assert (check.damage, check.deviations) == ([], [])
