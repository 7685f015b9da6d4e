"""Which pairs a confirmed group gives, and what the dataset carries of its texts."""

from collections.abc import Mapping, Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dpo_tui.domain.clean import dataset_messages, dataset_text
from dpo_tui.domain.model import (
    Completion,
    Mark,
    Message,
    Origin,
    Prompt,
    Remarks,
    Response,
    Source,
    State,
)
from dpo_tui.domain.pairs import (
    SAME_WORDS,
    Dropped,
    Pairing,
    PairPolicy,
    Unit,
    make_pairs,
    pair_policy,
)
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


@given(judged(), st.booleans())
def test_what_is_dropped_is_dropped_for_its_reason(group: Judged, allow_cut_off: bool) -> None:
    shown, marks = group
    pairing = make_pairs(PROMPT, shown, marks, policy=PairPolicy(allow_cut_off=allow_cut_off))
    by_id = {each.id: each.completion for each in shown}
    usable = {State.COMPLETE, State.CUT_OFF} if allow_cut_off else {State.COMPLETE}
    dropped = {(each.chosen_id, each.rejected_id): each.reason for each in pairing.dropped}
    seen: set[tuple[str, str]] = set()
    for good, bad in product(
        of_mark(shown, marks, Mark.CHOSEN), of_mark(shown, marks, Mark.REJECTED)
    ):
        sides = [by_id[each.id] for each in (good, bad)]
        texts = tuple(dataset_text(each.text) for each in sides)
        bad_states = [each.state.value for each in sides if each.state not in usable]
        reason = dropped.get((good.id, bad.id))
        if bad_states or "" in texts:
            assert reason in {*bad_states, "empty"}
        elif texts[0].split() == texts[1].split():
            assert reason == ("identical" if texts[0] == texts[1] else SAME_WORDS)
        else:
            assert reason == ("repeated" if texts in seen else None)
            seen.add((texts[0], texts[1]))


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
        assert pair.messages == dataset_messages(prompt.messages)


@given(prompts)
def test_a_conversation_keeps_its_turns_and_a_system_message_that_says_something(
    prompt: Prompt,
) -> None:
    messages = dataset_messages(prompt.messages)
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


# --- policies ------------------------------------------------------------------------------------

LETTERS = [response(slot, text) for slot, text in enumerate("abcde")]
ABOVE = {1: Mark.CHOSEN, 2: Mark.CHOSEN, 3: Mark.CHOSEN, 4: Mark.REJECTED, 5: Mark.REJECTED}


def sides(pairing: Pairing) -> list[str]:
    return [pair.chosen + pair.rejected for pair in pairing.pairs]


def paired(policy: PairPolicy, remarks: Remarks | None = None) -> list[str]:
    return sides(make_pairs(PROMPT, LETTERS, ABOVE, remarks, policy))


def test_the_best_alone_is_set_against_the_rejected_ones() -> None:
    assert paired(pair_policy("best"), Remarks(best=2)) == ["bd", "be"]


def test_without_a_best_one_the_lot_decides_and_always_the_same() -> None:
    lots = {seed: paired(PairPolicy(best_only=True, seed=seed)) for seed in range(40)}
    assert {tuple(each) for each in lots.values()} == {("ad", "ae"), ("bd", "be"), ("cd", "ce")}
    assert all(paired(PairPolicy(best_only=True, seed=seed)) == lots[seed] for seed in lots)


def test_one_pair_a_group_has_the_best_in_it() -> None:
    lots = {
        seed: paired(replace(pair_policy("one"), seed=seed), Remarks(best=3)) for seed in range(40)
    }
    assert {tuple(each) for each in lots.values()} == {("cd",), ("ce",)}


@pytest.mark.parametrize("limit", range(1, 8))
def test_a_limit_takes_that_many_of_them_in_their_order(limit: int) -> None:
    every = paired(pair_policy("all"))
    assert every == ["ad", "ae", "bd", "be", "cd", "ce"]
    some = paired(pair_policy(limit))
    assert len(some) == min(limit, 6)
    assert some == [each for each in every if each in some]


def test_the_best_is_set_against_the_other_chosen_ones_when_asked_for() -> None:
    policy = replace(pair_policy("best"), best_over_chosen=True)
    assert paired(policy, Remarks(best=2)) == ["bd", "be", "ba", "bc"]
    assert paired(policy, Remarks(best=2, tie=True)) != ["bd", "be", "ba", "bc"]
    assert len(paired(policy, Remarks(best=2, tie=True))) == 2
    assert len(paired(policy)) == 2
    limited = paired(replace(policy, limit=2), Remarks(best=2))
    assert limited == ["bd", "be"]


@given(judged(), st.builds(PairPolicy, st.booleans(), st.none() | st.integers(1, 4), st.booleans()))
def test_a_policy_only_leaves_out(group: Judged, policy: PairPolicy) -> None:
    shown, marks = group
    chosen = [each.id for each in of_mark(shown, marks, Mark.CHOSEN)]
    for best in (None, *chosen):
        pairs = make_pairs(PROMPT, shown, marks, Remarks(best=best), policy).pairs
        every = make_pairs(
            PROMPT, shown, marks, Remarks(best=best), PairPolicy(best_over_chosen=True)
        ).pairs
        assert set(pairs) <= set(every)
        assert policy.limit is None or len(pairs) <= policy.limit
        assert len(set(pairs)) == len(pairs)


def test_a_pair_that_the_guard_drops_does_not_use_up_the_limit() -> None:
    shown = [response(slot, text) for slot, text in enumerate(["a", "a", "b"])]
    marks = {1: Mark.CHOSEN, 2: Mark.REJECTED, 3: Mark.REJECTED}
    for seed in range(10):
        policy = replace(pair_policy("one"), seed=seed)
        assert sides(make_pairs(PROMPT, shown, marks, policy=policy)) == ["ab"]


def test_strength_goes_with_every_pair() -> None:
    pairs = make_pairs(PROMPT, LETTERS, ABOVE, Remarks(strength=3)).pairs
    assert {pair.strength for pair in pairs} == {3}


@pytest.mark.parametrize("word", ["", "most", "0", "-1", "1.5", 0])
def test_what_is_no_policy(word: str | int) -> None:
    with pytest.raises(ValueError, match="none of all, best, one"):
        pair_policy(word)


# --- ratings -------------------------------------------------------------------------------------


def test_ratings_say_what_is_good_and_what_is_bad() -> None:
    pairing = make_pairs(PROMPT, LETTERS, {**ABOVE, 3: Mark.EXCLUDED})
    assert [(each.text, each.is_good) for each in pairing.ratings] == [
        ("a", True),
        ("b", True),
        ("d", False),
        ("e", False),
    ]
    assert pairing.examples(Unit.RATING) == list(pairing.ratings)
    assert [each.text for each in pairing.ratings if each.is_good] == ["a", "b"]
    assert len(pairing.examples(Unit.GOOD)) == 2


@pytest.mark.parametrize("mark", [Mark.CHOSEN, Mark.REJECTED])
def test_a_group_of_one_mark_has_ratings_but_no_pairs(mark: Mark) -> None:
    pairing = make_pairs(PROMPT, LETTERS, dict.fromkeys(range(1, 6), mark), Remarks(tie=True))
    assert not pairing.pairs
    assert [each.is_good for each in pairing.ratings] == [mark is Mark.CHOSEN] * 5


def test_of_a_text_that_was_both_chosen_and_rejected_nothing_is_said() -> None:
    shown = [response(slot, text) for slot, text in enumerate(["a", " a", "b", "b "])]
    marks = {1: Mark.CHOSEN, 2: Mark.REJECTED, 3: Mark.REJECTED, 4: Mark.REJECTED}
    pairing = make_pairs(PROMPT, shown, marks)
    assert [(each.text, each.is_good) for each in pairing.ratings] == [("b", False)]


def test_with_the_best_only_it_alone_is_good() -> None:
    pairing = make_pairs(PROMPT, LETTERS, ABOVE, Remarks(best=2), pair_policy("best"))
    assert [each.text for each in pairing.ratings if each.is_good] == ["b"]
