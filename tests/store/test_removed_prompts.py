"""What becomes of decisions and their pairs when a prompt leaves the prompts file, or returns."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dpo_tui.datasets import swift
from dpo_tui.datasets.inspection import inspect_dataset
from dpo_tui.datasets.live import LiveDataset
from dpo_tui.domain.model import Decision, Mark, Message, Pair, Prompt, Verdict
from dpo_tui.store.checks import check_session, reading_ledgers
from dpo_tui.store.session import SessionStore
from tests.datasets.samples import quick_folder
from tests.samples import ready

ME = "ann"
NAMES = "abcd"
FOREIGN = b'{"theirs": 1}\n'


def prompt(name: str) -> Prompt:
    return Prompt((Message("user", name),), responses=ready("good", "bad"))


def pair(name: str) -> Pair:
    return Pair((Message("user", name),), "good", "bad")


class Desk:
    """A session and its dataset file, and how a person works on them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "s.db"
        self.dataset = LiveDataset(folder / "pairs.jsonl", swift.encode)
        self.dataset.path.write_bytes(FOREIGN)
        self.open()

    def open(self) -> None:
        self.store = SessionStore.open(self.path, annotator=ME)
        self.store.remember(dataset_path=self.dataset.path)

    def settle(self) -> None:
        self.dataset.reconcile(self.store)

    def confirm(self, group_id: int, name: str) -> Decision:
        marks = {1: Mark.CHOSEN}
        decision = Decision(group_id, ME, Verdict.CONFIRMED, 1, marks, (1,), 1, 0.0, 0.0)
        return self.store.decide(decision, self.dataset.plan([pair(name)]))

    def skip(self, group_id: int) -> Decision:
        return self.store.decide(
            Decision(group_id, ME, Verdict.SKIPPED, 1, {}, (), 0, 0.0, 0.0), None
        )

    def names(self) -> list[str]:
        rows = self.dataset.path.read_bytes().splitlines(keepends=True)
        by_line = {swift.encode(pair(name)): name for name in NAMES}
        return sorted(by_line[row] for row in rows if row != FOREIGN)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    made.store.import_prompts(map(prompt, "ab"))
    made.confirm(1, "a")
    made.confirm(2, "b")
    made.settle()
    return made


def test_pairs_of_removed_prompts_stay_by_default(desk: Desk) -> None:
    desk.store.import_prompts(map(prompt, "b"))
    desk.settle()
    assert desk.names() == ["a", "b"]
    progress = desk.store.progress(ME)
    assert (progress.total, progress.confirmed, progress.pairs) == (1, 1, 2)
    desk.store.close()


def test_dropped_pairs_come_back_with_their_prompt(desk: Desk) -> None:
    desk.store.keep_removed(drops=True)
    desk.store.import_prompts(map(prompt, "b"))
    desk.settle()
    assert desk.names() == ["b"]
    assert desk.store.progress(ME).pairs == 1
    assert desk.store.import_prompts(map(prompt, "ab")).returned == 1
    desk.settle()
    assert desk.names() == ["a", "b"]
    assert desk.store.group(1, ME).decision is not None
    desk.store.close()


def test_the_setting_can_be_changed_at_any_time(desk: Desk) -> None:
    desk.store.import_prompts(map(prompt, "b"))
    for drops, names in ((True, ["b"]), (False, ["a", "b"]), (True, ["b"])):
        desk.store.keep_removed(drops=drops)
        desk.settle()
        assert desk.names() == names
    desk.store.close()


class AnyOrder(RuleBasedStateMachine):
    """The session and its dataset against a model in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = quick_folder()
        self.desk = Desk(self.folder.__enter__())
        self.ids: dict[str, int] = {}
        self.queue: list[str] = []
        self.drops = False
        self.done: list[tuple[str, bool]] = []
        """Standing decisions, oldest first: the prompt, and whether it has a pair."""
        self.undone: list[tuple[str, bool]] = []

    def teardown(self) -> None:
        self.desk.store.close()
        self.folder.__exit__(None, None, None)

    @initialize()
    def begin(self) -> None:
        self.edit(list(NAMES))

    @rule(names=st.lists(st.sampled_from(NAMES), unique=True))
    def edit(self, names: list[str]) -> None:
        self.desk.store.import_prompts(map(prompt, names))
        for position, name in enumerate(names):
            group_id = self.desk.store.group_at(position)
            assert group_id is not None
            assert self.ids.setdefault(name, group_id) == group_id
        self.queue = names

    @rule(name=st.sampled_from(NAMES), confirms=st.booleans())
    def decide(self, name: str, *, confirms: bool) -> None:
        if confirms:
            self.desk.confirm(self.ids[name], name)
        else:
            self.desk.skip(self.ids[name])
        self.done.append((name, confirms))
        self.undone.clear()

    @rule()
    def undo(self) -> None:
        undone = self.desk.store.undo(ME)
        assert (undone is not None) == bool(self.done)
        if self.done:
            self.undone.append(self.done.pop())

    @rule()
    def redo(self) -> None:
        redone = self.desk.store.redo(ME)
        assert (redone is not None) == bool(self.undone)
        if self.undone:
            self.done.append(self.undone.pop())

    @rule(drops=st.booleans())
    def change_setting(self, *, drops: bool) -> None:
        self.desk.store.keep_removed(drops=drops)
        self.drops = drops

    @rule()
    def settle(self) -> None:
        self.desk.settle()

    @precondition(lambda self: self.done)
    @rule()
    def restart(self) -> None:
        self.desk.store.close()
        self.desk.open()

    @rule(size=st.integers(1, 200))
    def lose_the_end_of_the_dataset(self, size: int) -> None:
        self.desk.settle()
        data = self.desk.dataset.path.read_bytes()
        self.desk.dataset.path.write_bytes(data[: max(len(FOREIGN), len(data) - size)])

    @rule()
    def rebuild(self) -> None:
        before = self.desk.store.progress(ME)
        self.desk.store.rebuild()
        assert self.desk.store.progress(ME) == before

    @invariant()
    def is_as_the_model_says(self) -> None:
        counting = dict(self.done)
        progress = self.desk.store.progress(ME)
        queued = [name for name in self.queue if name in counting]
        pairs = [
            name
            for name, confirmed in counting.items()
            if confirmed and (name in self.queue or not self.drops)
        ]
        assert progress.total == len(self.queue)
        assert progress.confirmed == sum(counting[name] for name in queued)
        assert progress.skipped == len(queued) - progress.confirmed
        assert progress.pairs == len(pairs)
        first = next((self.ids[name] for name in self.queue if name not in counting), None)
        assert self.desk.store.next_undecided(ME, -1) == first
        skipped = next((self.ids[name] for name in queued if not counting[name]), None)
        assert self.desk.store.next_skipped(ME, -1) == skipped
        self.desk.settle()
        assert self.desk.names() == sorted(pairs)
        assert self.desk.dataset.path.read_bytes().count(FOREIGN) == 1
        found = check_session(self.desk.path)
        assert found.damage == found.deviations == []
        with reading_ledgers(self.desk.path) as ledgers:
            ((path, ledger),) = ledgers.items()
            assert list(inspect_dataset(path, ledger)) == []


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
