"""Which pairs a confirmed group gives, and what the dataset carries of its texts."""

from collections.abc import Mapping, Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpo_tui.domain.model import Completion, Mark, Message, Origin, Prompt, Response, Source, State
from dpo_tui.domain.pairs import Dropped, dataset_messages, dataset_text, make_pairs
from tests.domain.strategies import prompts, response_sets, texts

Judged = tuple[tuple[Response, ...], dict[int, Mark]]

PROMPT = Prompt((Message("user", "say something"),))


@st.composite
def judged(draw: st.DrawFn) -> Judged:
    """Responses, and marks for most of them in an order of their own."""
    shown = draw(response_sets())
    marks = {
        each.id: mark
        for each in draw(st.permutations(shown))
        if (mark := draw(st.none() | st.sampled_from(Mark))) is not None
    }
    return shown, marks


def response(slot: int, text: str) -> Response:
    return Response(slot + 1, 1, 1, slot, Completion(text, State.COMPLETE, Source(Origin.MODEL)))


def of_mark(shown: Sequence[Response], marks: Mapping[int, Mark], mark: Mark) -> list[Response]:
    return [each for each in shown if marks.get(each.id) is mark]


@given(judged())
def test_every_combination_is_a_pair_or_dropped(group: Judged) -> None:
    shown, marks = group
    pairing = make_pairs(PROMPT, shown, marks)
    combinations = list(
        product(of_mark(shown, marks, Mark.CHOSEN), of_mark(shown, marks, Mark.REJECTED))
    )
    assert len(pairing.pairs) + len(pairing.dropped) == len(combinations)
    dropped = {(each.chosen_id, each.rejected_id) for each in pairing.dropped}
    kept = [(good, bad) for good, bad in combinations if (good.id, bad.id) not in dropped]
    assert [(pair.chosen, pair.rejected) for pair in pairing.pairs] == [
        (dataset_text(good.completion.text), dataset_text(bad.completion.text))
        for good, bad in kept
    ]


@given(judged())
def test_no_pair_has_equal_or_empty_sides_or_comes_twice(group: Judged) -> None:
    pairs = make_pairs(PROMPT, *group).pairs
    assert all(pair.chosen and pair.rejected for pair in pairs)
    assert all(pair.chosen != pair.rejected for pair in pairs)
    assert len({(pair.chosen, pair.rejected) for pair in pairs}) == len(pairs)


@given(judged())
def test_what_is_dropped_is_dropped_for_its_reason(group: Judged) -> None:
    shown, marks = group
    pairing = make_pairs(PROMPT, shown, marks)
    text = {each.id: dataset_text(each.completion.text) for each in shown}
    for each in pairing.dropped:
        sides = text[each.chosen_id], text[each.rejected_id]
        assert each.reason == (
            "empty" if "" in sides else "identical" if sides[0] == sides[1] else "repeated"
        )


@given(judged())
def test_excluded_and_unmarked_responses_are_in_no_pair(group: Judged) -> None:
    shown, marks = group
    in_question = [each for each in shown if marks.get(each.id) in {Mark.CHOSEN, Mark.REJECTED}]
    assert make_pairs(PROMPT, in_question, marks) == make_pairs(PROMPT, shown, marks)


@given(judged())
def test_the_order_of_the_marks_changes_nothing(group: Judged) -> None:
    shown, marks = group
    by_id = dict(sorted(marks.items()))
    assert make_pairs(PROMPT, shown, by_id) == make_pairs(PROMPT, shown, marks)


def test_pairs_come_in_the_order_of_the_cards() -> None:
    shown = [response(slot, text) for slot, text in enumerate("abcd")]
    marks = {4: Mark.CHOSEN, 3: Mark.REJECTED, 2: Mark.CHOSEN, 1: Mark.REJECTED}
    pairs = make_pairs(PROMPT, shown, marks).pairs
    assert [(pair.chosen, pair.rejected) for pair in pairs] == [
        ("b", "a"),
        ("b", "c"),
        ("d", "a"),
        ("d", "c"),
    ]


def test_texts_that_the_dataset_cannot_tell_apart_are_one() -> None:
    shown = [response(0, "yes"), response(1, " yes\n"), response(2, "no"), response(3, "no ")]
    marks = {1: Mark.CHOSEN, 2: Mark.REJECTED, 3: Mark.REJECTED, 4: Mark.REJECTED}
    pairing = make_pairs(PROMPT, shown, marks)
    assert [(pair.chosen, pair.rejected) for pair in pairing.pairs] == [("yes", "no")]
    assert pairing.dropped == (Dropped(1, 2, "identical"), Dropped(1, 4, "repeated"))


@pytest.mark.parametrize("mark", Mark)
def test_one_kind_of_mark_alone_gives_no_pairs(mark: Mark) -> None:
    shown = [response(slot, text) for slot, text in enumerate("ab")]
    pairing = make_pairs(PROMPT, shown, {1: mark, 2: mark})
    assert (pairing.pairs, pairing.dropped) == ((), ())


@given(prompts, judged())
def test_every_pair_carries_the_conversation(prompt: Prompt, group: Judged) -> None:
    for pair in make_pairs(prompt, *group).pairs:
        assert pair.messages == dataset_messages(prompt)


@given(prompts)
def test_a_conversation_keeps_its_turns_and_a_system_message_that_says_something(
    prompt: Prompt,
) -> None:
    messages = dataset_messages(prompt)
    system = dataset_text(prompt.system or "")
    assert messages[: bool(system)] == ((Message("system", system),) if system else ())
    assert messages[bool(system) :] == tuple(
        Message(turn.role, dataset_text(turn.content)) for turn in prompt.turns
    )


@given(texts)
def test_dataset_text_is_stripped_encodable_and_stays_so(text: str) -> None:
    clean = dataset_text(text)
    assert clean.encode().decode() == clean == clean.strip() == dataset_text(clean)


@given(st.text())
def test_well_formed_text_loses_its_outer_white_space_only(text: str) -> None:
    assert dataset_text(text) == text.strip()


@given(st.text(), st.sampled_from(["\ud83d", "\udca9", "\udca9\ud83d"]), st.text())
def test_every_lone_surrogate_becomes_one_replacement(
    before: str, surrogates: str, after: str
) -> None:
    replaced = "\ufffd" * len(surrogates)
    assert dataset_text(before + surrogates + after) == (before + replaced + after).strip()
