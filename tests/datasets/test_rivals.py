"""Two annotators who write the same words into one dataset file don't take each other's lines."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from dpo_tui.datasets import swift
from dpo_tui.datasets.live import LiveDataset
from dpo_tui.domain.model import Decision, Mark, Message, Prompt, Verdict
from dpo_tui.domain.pairs import make_pairs
from dpo_tui.store.session import SessionStore
from tests.datasets.samples import quick_folder
from tests.datasets.test_ledger import reconcile_and_die, reconcile_unheard
from tests.samples import ready

PROMPTS = [
    Prompt((Message("user", text),), responses=ready("a", "b", "c", "d")) for text in ("one", "two")
]
who = st.sampled_from(["ann", "bob"])
groups = st.integers(1, len(PROMPTS))


class Rivals(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = self.stack.enter_context(quick_folder())
        self.dataset = LiveDataset(folder / "pairs.jsonl", swift.encode)
        self.stores = {
            name: SessionStore.open(folder / "s.db", annotator=name) for name in ("ann", "bob")
        }
        for store in self.stores.values():
            self.stack.callback(store.close)
            store.remember(dataset_path=self.dataset.path)
        self.stores["ann"].import_prompts(PROMPTS)

    @rule(name=who, group_id=groups, good=st.integers(0, 1), bad=st.integers(2, 4))
    def decide(self, name: str, group_id: int, good: int, bad: int) -> None:
        store = self.stores[name]
        group = store.group(group_id, name)
        marks = {each.id: Mark.REJECTED for each in group.responses[:bad]}
        marks[group.responses[good].id] = Mark.CHOSEN
        pairs = make_pairs(group.prompt, group.responses, marks).pairs
        order, count = tuple(marks), len(pairs)
        decision = Decision(group_id, name, Verdict.CONFIRMED, 1, marks, order, count, 1.0, 2.0)
        store.decide(decision, self.dataset.plan(pairs))

    @rule(name=who)
    def undo(self, name: str) -> None:
        self.stores[name].undo(name)

    @rule(name=who)
    def catch_up(self, name: str) -> None:
        store = self.stores[name]
        self.dataset.reconcile(store)

    @rule(name=who)
    def catch_up_without_noting_it(self, name: str) -> None:
        reconcile_unheard(self.dataset, self.stores[name])

    @rule(name=who, step=st.integers(0, 12), part=st.floats(0, 1))
    def die_while_catching_up(self, name: str, step: int, part: float) -> None:
        reconcile_and_die(self.dataset, self.stores[name], step, part)

    @rule(name=who)
    def redo(self, name: str) -> None:
        self.stores[name].redo(name)

    @rule()
    def agree(self) -> None:
        for name in ("ann", "bob"):
            self.catch_up(name)
        wanted: Counter[bytes] = Counter()
        for name, store in self.stores.items():
            for group in (store.group(each, name) for each in range(1, len(PROMPTS) + 1)):
                if group.decision:
                    marks = group.decision.marks
                    pairs = make_pairs(group.prompt, group.responses, marks).pairs
                    wanted.update(swift.encode(pair) for pair in pairs)
        path = self.dataset.path
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        assert Counter(lines) == wanted

    def teardown(self) -> None:
        with self.stack:
            self.agree()


TestRivals = Rivals.TestCase
TestRivals.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


def test_what_another_one_wrote_before_is_not_taken_for_what_is_new() -> None:
    rivals = Rivals()
    for name, group_id in (("bob", 1), ("ann", 2), ("ann", 1)):
        rivals.decide(name, group_id, good=0, bad=2)
    rivals.agree()
    rivals.decide("bob", 2, good=0, bad=2)
    rivals.teardown()


def test_lines_that_came_to_stand_where_equal_ones_were_are_told_apart() -> None:
    rivals = Rivals()
    for group_id in (1, 2):
        rivals.decide("ann", group_id, good=0, bad=2)
    rivals.agree()
    rivals.decide("bob", 2, good=0, bad=3)
    rivals.decide("ann", 1, good=1, bad=2)
    rivals.catch_up_without_noting_it("ann")
    rivals.teardown()


def test_what_was_cut_off_of_a_decision_that_was_replaced_goes() -> None:
    rivals = Rivals()
    rivals.decide("ann", 1, good=1, bad=2)
    rivals.die_while_catching_up("ann", step=4, part=0.5)
    rivals.decide("ann", 1, good=0, bad=2)
    rivals.teardown()


def test_of_equal_lines_each_gets_one_where_that_can_be() -> None:
    rivals = Rivals()
    for group_id in (1, 2):
        rivals.decide("ann", group_id, good=0, bad=2)
    rivals.catch_up_without_noting_it("ann")
    rivals.decide("bob", 2, good=0, bad=2)
    rivals.decide("ann", 1, good=0, bad=2)
    rivals.catch_up_without_noting_it("ann")
    rivals.teardown()
