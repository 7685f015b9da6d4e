"""What one annotator or several give for a dataset."""

from __future__ import annotations

import pytest

from dpo_tui.domain.harvest import AGREED, DISPUTED, harvest
from dpo_tui.domain.judged import Answer, Judged
from dpo_tui.domain.model import Mark, Message, Remarks
from dpo_tui.domain.pairs import PairPolicy, Unit


def judged(annotator: str, marks: str, *, tie: bool = False) -> Judged:
    """`marks` has a letter for each of the answers a, b, c: + chosen, - rejected, x excluded."""
    of = {"+": Mark.CHOSEN, "-": Mark.REJECTED, "x": Mark.EXCLUDED}
    answers = tuple(
        Answer(number, text, of[mark])
        for number, (text, mark) in enumerate(zip("abc", marks, strict=True))
    )
    return Judged("00", (Message("user", "Q"),), answers, Remarks(tie=tie), annotator=annotator)


def taken(unit: Unit, *groups: Judged) -> list[str]:
    found = harvest(groups, unit, PairPolicy())
    return ["".join(each.text for each in one.answers) for one in found.taken]


def test_one_annotator_gives_every_pair() -> None:
    assert taken(Unit.PAIR, judged("ann", "++-")) == ["ac", "bc"]
    assert taken(Unit.RATING, judged("ann", "++-")) == ["a", "b", "c"]
    assert taken(Unit.GOOD, judged("ann", "++-")) == ["a", "b"]


@pytest.mark.parametrize("unit", Unit)
def test_what_the_policy_leaves_out_is_counted(unit: Unit) -> None:
    best = judged("ann", "++-")._replace(remarks=Remarks(best=1))
    found = harvest([best], unit, PairPolicy(best_only=True))
    assert "a" not in {answer.text for each in found.taken for answer in each.answers}
    assert found.spared == 1


def test_what_two_say_is_taken_once() -> None:
    found = harvest([judged("ann", "+--"), judged("bob", "+x-")], Unit.PAIR, PairPolicy())
    assert [each.group.annotator for each in found.taken] == ["ann", "ann"]
    assert found.dropped == [AGREED]


def test_where_two_say_the_opposite_neither_counts() -> None:
    found = harvest([judged("ann", "+--"), judged("bob", "-+-")], Unit.PAIR, PairPolicy())
    assert ["".join(each.text for each in one.answers) for one in found.taken] == ["ac", "bc"]
    assert found.dropped == [DISPUTED, DISPUTED]
    assert taken(Unit.RATING, judged("ann", "+-x"), judged("bob", "-xx")) == ["b"]
    assert taken(Unit.GOOD, judged("ann", "+-x"), judged("bob", "-+x")) == []


def test_where_good_responses_are_rows_the_others_are_not_counted() -> None:
    found = harvest([judged("ann", "+--"), judged("bob", "+-+")], Unit.GOOD, PairPolicy())
    assert ["".join(each.text for each in one.answers) for one in found.taken] == ["a"]
    assert found.dropped == [AGREED, DISPUTED]


@pytest.mark.parametrize(
    ("marks", "tie", "why"),
    [
        ("---", False, "nothing was chosen"),
        ("+++", False, "nothing was rejected"),
        ("+++", True, "a tie"),
    ],
)
def test_why_a_prompt_gives_nothing(marks: str, tie: bool, why: str) -> None:
    assert harvest([judged("ann", marks, tie=tie)], Unit.PAIR, PairPolicy()).why_none() == why


def test_weights_share_a_prompt() -> None:
    found = harvest([judged("ann", "++-")], Unit.PAIR, PairPolicy())
    found.weigh()
    assert [each.weight for each in found.taken] == [0.5, 0.5]


def test_what_a_format_objects_to_is_dropped_with_its_reason() -> None:
    found = harvest([judged("ann", "++-")], Unit.PAIR, PairPolicy())
    found.leave_out(lambda each: "no" if each == found.taken[0].example else "")
    assert ["".join(each.text for each in one.answers) for one in found.taken] == ["bc"]
    assert found.dropped == ["no"]
    assert harvest([], Unit.PAIR, PairPolicy()).taken == []
