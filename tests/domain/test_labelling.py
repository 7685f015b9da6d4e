"""What a stream's end means, what a mark does, what a confirm says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpo_tui.domain.labelling import (
    completion_state,
    draft_of,
    final_marks,
    final_remarks,
    is_broken,
    is_usable,
    turn_to,
)
from dpo_tui.domain.model import (
    Completion,
    Decision,
    Draft,
    Mark,
    Origin,
    Response,
    Source,
    State,
    Verdict,
)
from tests.domain.strategies import completions, drafts, response_sets, texts

SOURCE = Source(Origin.MODEL)

reasons = st.none() | st.sampled_from(
    ["stop", "length", "abort", "error", "content_filter", "tool_calls", "eos"]
)


@pytest.mark.parametrize(
    ("text", "finish_reason", "whole", "state"),
    [
        ("text", "stop", True, State.COMPLETE),
        ("text", "stop", False, State.COMPLETE),
        ("text", None, True, State.COMPLETE),
        ("text", None, False, State.ABORTED),
        ("text", "length", True, State.CUT_OFF),
        ("text", "abort", True, State.ABORTED),
        ("text", "error", True, State.ABORTED),
        ("text", "content_filter", True, State.FAILED),
        ("", "stop", True, State.EMPTY),
        (" \n\u3000", "stop", True, State.EMPTY),
        ("", "length", True, State.EMPTY),
        ("", None, False, State.ABORTED),
        ("text", "a reason of the future", True, State.COMPLETE),
    ],
)
def test_how_a_stream_ended(
    text: str, finish_reason: str | None, whole: bool, state: State
) -> None:
    assert completion_state(text, finish_reason, whole=whole) is state


@given(texts, reasons, st.booleans(), st.booleans())
def test_blank_text_is_never_usable(
    text: str, reason: str | None, whole: bool, allow_cut_off: bool
) -> None:
    state = completion_state(text, reason, whole=whole)
    usable = is_usable(Completion(text, state, SOURCE), allow_cut_off=allow_cut_off)
    assert text.strip() or not usable


@given(completions, st.booleans())
def test_a_completion_is_usable_or_broken_or_cut_off(
    completion: Completion, allow_cut_off: bool
) -> None:
    usable = is_usable(completion, allow_cut_off=allow_cut_off)
    assert not (usable and is_broken(completion))
    if not usable and not is_broken(completion):
        assert completion.state is State.CUT_OFF


@given(completions)
def test_allowing_cut_off_text_changes_that_and_nothing_else(completion: Completion) -> None:
    strict, lenient = (is_usable(completion, allow_cut_off=allow) for allow in (False, True))
    assert (strict != lenient) == (
        completion.state is State.CUT_OFF and bool(completion.text.strip())
    )


@given(drafts, st.integers(1, 6))
def test_turning_away_and_back_brings_everything_back(draft: Draft, other: int) -> None:
    there = turn_to(draft, other)
    assert there.set_no == other
    assert (there.remarks.note, there.remarks.labels) == (draft.remarks.note, draft.remarks.labels)
    back = turn_to(there, draft.set_no)
    assert (back.set_no, back.marks, back.remarks) == (draft.set_no, draft.marks, draft.remarks)


@given(response_sets(), drafts)
def test_a_decision_that_is_taken_back_leaves_what_was_said(
    shown: tuple[Response, ...], draft: Draft
) -> None:
    marks = final_marks(shown, draft, allow_cut_off=True)
    remarks = final_remarks(shown, draft, marks)
    decision = Decision(1, "ann", Verdict.CONFIRMED, 1, marks, (), 0, 0.0, 0.0, remarks=remarks)
    back = draft_of(decision, {each.id: each.slot for each in shown})
    chosen = {each.slot for each in shown if marks[each.id] is Mark.CHOSEN}
    assert back.remarks.best == (draft.remarks.best if draft.remarks.best in chosen else None)
    assert back.remarks.tie == (draft.remarks.tie and len(chosen) > 1)
    assert back.remarks.note == draft.remarks.note
    for response in shown:
        if is_usable(response.completion, allow_cut_off=True):
            assert back.marks.get(response.slot, Mark.REJECTED) is draft.marks.get(
                response.slot, Mark.REJECTED
            )


@given(response_sets(), drafts, st.booleans())
def test_a_confirm_marks_every_response_that_was_shown(
    shown: tuple[Response, ...], draft: Draft, allow_cut_off: bool
) -> None:
    marks = final_marks(shown, draft, allow_cut_off=allow_cut_off)
    assert list(marks) == [response.id for response in shown]
    for response in shown:
        if is_usable(response.completion, allow_cut_off=allow_cut_off):
            assert marks[response.id] is draft.marks.get(response.slot, Mark.REJECTED)
        else:
            assert marks[response.id] is Mark.EXCLUDED
