"""The counts agree with a plain recount of the same decisions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpo_tui.domain.model import (
    Decision,
    Mark,
    Message,
    Origin,
    Prompt,
    Ready,
    Remarks,
    Verdict,
)
from dpo_tui.domain.statistics import Judged, Maker, Statistics
from dpo_tui.errors import InputError, StoreError
from dpo_tui.store.session import SessionStore
from dpo_tui.store.statistics import read_statistics
from tests.datasets.samples import quick_folder

ANN, BOB = "ann", "bob \x1b"


@dataclass(frozen=True)
class Said:
    """What is decided of one group."""

    who: str
    verdict: Verdict
    marks: tuple[Mark, ...]
    order: tuple[int, ...]
    seconds: float
    remarks: Remarks


RESPONSES = st.lists(
    st.builds(
        Ready, st.text("ab\u65e5", min_size=1, max_size=5), st.sampled_from(["m", "n", None])
    ),
    min_size=2,
    max_size=4,
    unique_by=lambda each: each.text.strip(),
)
REMARKS = st.builds(
    Remarks,
    tie=st.booleans(),
    strength=st.sampled_from([None, 1, 2, 3]),
    note=st.sampled_from(["", " ", "why \ud800"]),
    labels=st.lists(st.sampled_from(["wrong", "rude"]), unique=True).map(tuple),
)


@st.composite
def jobs(draw: st.DrawFn) -> list[tuple[list[Ready], list[Said]]]:
    """Groups of responses, and what is decided of each, one decision after the other."""
    groups = []
    for _ in range(draw(st.integers(1, 4))):
        responses = draw(RESPONSES)
        size = len(responses)
        said = st.builds(
            Said,
            st.sampled_from([ANN, BOB]),
            st.sampled_from(Verdict),
            st.tuples(*[st.sampled_from(Mark)] * size),
            st.permutations(range(size)).map(tuple),
            st.integers(0, 100).map(float),
            REMARKS,
        )
        groups.append((responses, draw(st.lists(said, max_size=3))))
    return groups


def decide(store: SessionStore, group_id: int, said: Said) -> None:
    ids = [each.id for each in store.group(group_id, said.who).responses]
    skipped = said.verdict is Verdict.SKIPPED
    marks = {} if skipped else dict(zip(ids, said.marks, strict=True))
    counts = Counter(marks.values())
    store.decide(
        Decision(
            group_id,
            said.who,
            said.verdict,
            1,
            marks,
            () if skipped else tuple(ids[each] for each in said.order),
            counts[Mark.CHOSEN] * counts[Mark.REJECTED],
            1e9,
            said.seconds,
            remarks=Remarks() if skipped else said.remarks,
        ),
        None,
    )


@given(jobs(), st.sampled_from([None, ANN, BOB]))
def test_the_counts_agree_with_a_recount(
    job: list[tuple[list[Ready], list[Said]]], who: str | None
) -> None:
    with quick_folder() as folder:
        path = folder / "s.db"
        store = SessionStore.open(path, annotator=ANN)
        SessionStore.open(path, annotator=BOB).close()
        store.import_prompts(
            Prompt((Message("user", str(number)),), responses=tuple(responses))
            for number, (responses, _) in enumerate(job)
        )
        for group_id, (_, decisions) in enumerate(job, start=1):
            for said in decisions:
                decide(store, group_id, said)
        found = read_statistics(path, who)
        store.close()
    counting = [
        (responses, said)
        for responses, decisions in job
        for said in {each.who: each for each in decisions}.values()
        if who in {None, said.who}
    ]
    recount(found, counting)


def recount(found: Statistics, counting: list[tuple[list[Ready], Said]]) -> None:
    confirmed = [each for each in counting if each[1].verdict is Verdict.CONFIRMED]
    said = [each for _, each in confirmed]
    assert sum(each.confirmed for each in found.people.values()) == len(confirmed)
    assert sum(each.skipped for each in found.people.values()) == len(counting) - len(confirmed)
    seconds = [each.seconds for _, each in counting]
    assert found.total_seconds == sum(seconds)
    assert found.median_seconds == (median(seconds) if seconds else None)
    assert found.chosen == Counter(each.marks.count(Mark.CHOSEN) for each in said)
    assert found.ties == sum(each.remarks.tie for each in said)
    assert found.notes == sum(bool(each.remarks.note.strip()) for each in said)
    assert found.labels == Counter(label for each in said for label in each.remarks.labels)
    assert found.strengths == Counter(
        each.remarks.strength for each in said if each.remarks.strength
    )
    sides = [
        (len(good.text.encode()), len(bad.text.encode()))
        for responses, each in confirmed
        for good, one in zip(responses, each.marks, strict=True)
        for bad, other in zip(responses, each.marks, strict=True)
        if (one, other) == (Mark.CHOSEN, Mark.REJECTED)
    ]
    assert found.combinations == found.pairs == len(sides)
    lengths = found.lengths
    assert (lengths.longer, lengths.shorter, lengths.equal) == (
        sum(good > bad for good, bad in sides),
        sum(good < bad for good, bad in sides),
        sum(good == bad for good, bad in sides),
    )
    for model in ("m", "n", None):
        marks = [
            [mark for each, mark in zip(responses, one.marks, strict=True) if each.model == model]
            for responses, one in confirmed
        ]
        judged = found.makers.get(Maker(Origin.READY, model or ""), Judged())
        assert judged.marks == Counter(mark for each in marks for mark in each)
        assert judged.groups == sum(bool(set(each) - {Mark.EXCLUDED}) for each in marks)
    first = [
        ([each.marks[slot] for slot in each.order if each.marks[slot] is not Mark.EXCLUDED])
        for each in said
        if {Mark.CHOSEN, Mark.REJECTED} <= set(each.marks)
    ]
    assert found.first_card.groups == len(first)
    assert found.first_card.chosen == sum(each[0] is Mark.CHOSEN for each in first)
    assert found.first_card.expected == pytest.approx(
        sum(each.count(Mark.CHOSEN) / len(each) for each in first)
    )


def test_what_has_left_the_queue_or_was_taken_back_is_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    store = SessionStore.open(path, annotator=ANN)
    given = [Prompt((Message("user", text),), responses=(Ready("a"), Ready("b"))) for text in "xyz"]
    store.import_prompts(given)
    marks = (Mark.CHOSEN, Mark.REJECTED)
    for group_id in (1, 2, 3):
        decide(store, group_id, Said(ANN, Verdict.CONFIRMED, marks, (0, 1), 5.0, Remarks()))
        store.set_flag(group_id, ANN, flagged=True)
    store.undo(ANN)
    store.import_prompts(given[1:])
    found = read_statistics(path)
    assert (found.chosen, found.pairs, found.total_seconds) == (Counter({1: 1}), 1, 5.0)
    assert found.flagged == 2
    store.close()


def test_an_older_session_is_read_as_it_is(tmp_path: Path) -> None:
    fixtures = Path(__file__).parent / "fixtures"
    for old in sorted(fixtures.glob("*.db")):
        path = tmp_path / old.name
        path.write_bytes(old.read_bytes())
        found = read_statistics(path)
        assert sum(each.confirmed for each in found.people.values()) == found.chosen.total() > 0
        assert path.read_bytes() == old.read_bytes()


def test_nobody_and_nothing_are_told(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    SessionStore.open(path, annotator=ANN).close()
    with pytest.raises(InputError, match="nobody who is called 'eve'") as caught:
        read_statistics(path, "eve")
    assert "Those who have: ann." in caught.value.remedy
    (tmp_path / "t.db").write_text("no session")
    with pytest.raises(StoreError):
        read_statistics(tmp_path / "t.db")
