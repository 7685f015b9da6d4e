"""What every key makes of a draft."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dpo_tui.domain.marking import (
    STRENGTHS,
    annotate,
    chosen,
    clear,
    mark_all,
    next_strength,
    toggle,
    toggle_best,
    toggle_tie,
    unite,
    with_marks,
)
from dpo_tui.domain.model import Draft, Mark, Remarks
from tests.domain.strategies import drafts as any_drafts
from tests.domain.strategies import slots, texts

marks = st.sampled_from(Mark)
drafts = any_drafts.map(lambda draft: with_marks(draft, draft.marks))
some_slots = st.lists(slots, unique=True)
copies = st.sampled_from([{}, {1: 0}, {1: 0, 2: 0}, {3: 2, 5: 2, 4: 1}])
one_key = st.one_of(
    st.builds(lambda slot, mark: lambda draft: toggle(draft, slot, mark), slots, marks),
    st.builds(lambda slot: lambda draft: toggle_best(draft, slot), slots),
    st.builds(lambda of: lambda draft: toggle_tie(draft, of) or draft, some_slots),
    st.builds(lambda of, mark: lambda draft: mark_all(draft, of, mark), some_slots, marks),
    st.builds(lambda of: lambda draft: clear(draft, of), some_slots),
    st.builds(lambda of: lambda draft: unite(draft, of), copies),
)


@given(drafts, slots, marks)
def test_a_key_pressed_twice_leaves_no_other_mark(draft: Draft, slot: int, mark: Mark) -> None:
    twice = toggle(toggle(draft, slot, mark), slot, mark)
    if draft.marks.get(slot) in {None, mark}:
        assert twice.marks == draft.marks
    else:
        assert slot not in twice.marks


@given(drafts, slots, marks)
def test_a_key_touches_its_own_slot_only(draft: Draft, slot: int, mark: Mark) -> None:
    before = dict(draft.marks)
    after = toggle(draft, slot, mark)
    assert after.marks.get(slot) == (None if before.get(slot) is mark else mark)
    assert {**after.marks, slot: None} == {**before, slot: None}
    assert after.set_no == draft.set_no
    assert draft.marks == before


@given(drafts, st.lists(one_key, max_size=6))
def test_a_remark_never_outlives_what_it_is_about(draft: Draft, keys: list) -> None:  # type: ignore[type-arg]
    for key in keys:
        draft = key(draft)
        good = chosen(draft)
        assert draft.remarks.best is None or draft.remarks.best in good
        assert not draft.remarks.tie or len(good) > 1


@given(drafts, some_slots, marks)
def test_all_of_them_and_then_none(draft: Draft, of: list[int], mark: Mark) -> None:
    open_ = [slot for slot in of if draft.marks.get(slot) is not Mark.EXCLUDED]
    had = open_ and all(draft.marks.get(slot) is mark for slot in open_)
    once = mark_all(draft, of, mark)
    for slot in open_:
        assert once.marks.get(slot) is (None if had else mark)
    for slot in set(draft.marks) - set(open_):
        assert once.marks[slot] is draft.marks[slot]


@given(drafts, some_slots)
def test_a_tie_is_of_the_chosen_ones_or_of_all(draft: Draft, of: list[int]) -> None:
    draft = replace(draft, remarks=replace(draft.remarks, tie=False))
    tied = toggle_tie(draft, of)
    if tied is None:
        assert len(chosen(draft) or chosen(mark_all(draft, of, Mark.CHOSEN))) < 2
        return
    assert (tied.remarks.tie, tied.remarks.best) == (True, None)
    if chosen(draft):
        assert tied.marks == draft.marks
    again = toggle_tie(tied, of)
    assert again is not None
    assert (again.remarks.tie, again.marks) == (False, tied.marks)


@given(drafts, slots)
def test_the_best_one_is_chosen_and_has_no_equal(draft: Draft, slot: int) -> None:
    draft = replace(draft, remarks=replace(draft.remarks, best=None))
    best = toggle_best(draft, slot)
    assert (best.remarks.best, best.remarks.tie) == (slot, False)
    assert best.marks[slot] is Mark.CHOSEN
    assert toggle_best(best, slot).remarks.best is None
    assert toggle_best(best, slot).marks == best.marks
    assert toggle(best, slot, Mark.CHOSEN).remarks.best is None
    assert toggle(best, slot, Mark.EXCLUDED).remarks.best is None


@given(drafts)
def test_strength_goes_round(draft: Draft) -> None:
    seen = []
    for _ in STRENGTHS:
        draft = next_strength(draft)
        seen.append(draft.remarks.strength)
    assert sorted(seen, key=str) == sorted(STRENGTHS, key=str)


@given(drafts, texts, st.lists(texts))
def test_a_label_is_kept_once(draft: Draft, note: str, labels: list[str]) -> None:
    remarks = annotate(draft, note, labels).remarks
    assert remarks.note == note
    assert sorted(remarks.labels) == sorted(set(labels))


def test_what_was_said_of_a_copy_counts_for_the_one_that_it_repeats() -> None:
    marks = {1: Mark.CHOSEN, 3: Mark.EXCLUDED, 5: Mark.REJECTED}
    draft = Draft(1, marks, remarks=Remarks(best=1))
    united = unite(draft, {1: 0, 3: 2, 5: 4})
    assert united.marks == {0: Mark.CHOSEN, 4: Mark.REJECTED}
    assert united.remarks.best == 0
    own = unite(Draft(1, {0: Mark.REJECTED, 1: Mark.CHOSEN}), {1: 0})
    assert own.marks == {0: Mark.REJECTED}
