"""Whatever is decided, undone, torn, killed and edited: each decision's pairs are there once."""

from __future__ import annotations

import json
import os
import pickle
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dpo_tui.datasets import swift
from dpo_tui.datasets.live import LiveDataset
from dpo_tui.datasets.matching import lines_of, lines_start
from dpo_tui.domain.ledger import Entry, Ledger, Reconciliation
from dpo_tui.domain.model import Decision, Mark, Message, Prompt, Verdict
from dpo_tui.domain.pairs import make_pairs
from dpo_tui.paths import temporary_beside
from dpo_tui.store.session import SessionStore
from tests.datasets.samples import quick_folder
from tests.samples import ready

ME = "ann"
# The last two give the same lines: they differ only in white space.
PROMPTS = [
    Prompt((Message("user", text),), responses=ready("a {", 'b "}', "c", "d"))
    for text in ("one", "two", "three {", "same", "same ")
]
groups = st.integers(1, len(PROMPTS))


class Unheard:
    """What a session knows, and what it is told, which is lost if it is told last."""

    def __init__(self, ledger: Ledger) -> None:
        self._unsettled = ledger.unsettled()
        self._settled = list(ledger.settled())
        self._told = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - a child writes into it

    def unsettled(self) -> Sequence[Entry]:
        return self._unsettled

    def settled(self) -> Iterator[Entry]:
        return iter(self._settled)

    def in_order(self, start: int) -> Iterator[Entry]:
        before = [each for each in self._settled if each.region.offset <= start][:1]
        return reversed([e for e in self._settled if e.region.offset > start or e in before])

    def settle(self, entries: Iterable[Entry]) -> None:
        self._told.write(pickle.dumps(("settle", [*entries])))

    def plan(self, entries: Iterable[Entry]) -> None:
        self._told.write(pickle.dumps(("plan", [*entries])))

    def pass_on(self, ledger: Ledger, *, has_ended: bool) -> None:
        """Tell what it was told, but for how it ended."""
        with self._told:
            self._told.seek(0)
            told = []
            with suppress(EOFError):
                while True:
                    told.append(pickle.load(self._told))
        for what, entries in told[: -1 if has_ended else None]:
            getattr(ledger, what)(entries)


def reconcile_unheard(dataset: LiveDataset, ledger: Ledger) -> None:
    """Reconcile as if the process were killed just before it notes the end."""
    known = Unheard(ledger)
    dataset.reconcile(known)
    known.pass_on(ledger, has_ended=True)


def reconcile_and_die(dataset: LiveDataset, ledger: Ledger, step: int, part: float) -> None:
    """Let a process like this one begin, and be killed at the given change of a file."""
    known = Unheard(ledger)  # a child must not touch an open database
    child = os.fork()
    if child == 0:
        try:
            die_at(step, part)
            dataset.reconcile(known)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    known.pass_on(ledger, has_ended=status == 0)


def die_at(step: int, part: float) -> None:
    """Let this process end like a killed one at the given change of a file."""
    left = step

    def count() -> bool:
        nonlocal left
        left -= 1
        return left < 0

    def wrap(name: str) -> None:
        real = getattr(os, name)

        def call(*arguments: Any, **more: Any) -> Any:
            if count():
                if name == "write":
                    data = bytes(arguments[1])
                    real(arguments[0], data[: int(part * len(data))])
                os._exit(1)
            return real(*arguments, **more)

        setattr(os, name, call)

    for name in ("write", "fsync", "ftruncate", "replace", "open"):
        wrap(name)


class Session(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.folder = self.stack.enter_context(quick_folder())
        self.file = self.folder / "pairs.jsonl"
        self.dataset = LiveDataset(self.file, swift.encode)
        self.store = SessionStore.open(self.folder / "s.db", annotator=ME)
        self.stack.callback(self.close)
        self.store.import_prompts(PROMPTS)
        self.counting: dict[int, tuple[Verdict, list[bytes]]] = {}
        self.undoable: list[tuple[int, tuple[Verdict, list[bytes]] | None]] = []
        self.ours: set[bytes] = set()
        self.foreign: list[bytes] = []
        self.lines_made = 0

    def close(self) -> None:
        self.store.close()

    @initialize(begin=st.sampled_from([b"", b'{"foreign": 0}\n', b'{"foreign": 0}']))
    def begin(self, begin: bytes) -> None:
        if begin:
            self.file.write_bytes(begin)
            self.foreign.append(begin.strip())

    def _remember(self, group_id: int, outcome: tuple[Verdict, list[bytes]]) -> None:
        self.undoable.append((group_id, self.counting.get(group_id)))
        self.counting[group_id] = outcome

    @rule(group_id=groups, good=st.integers(0, 2), more=st.booleans())
    def decide(self, group_id: int, good: int, more: bool) -> None:
        group = self.store.group(group_id, ME)
        marks = {each.id: Mark.REJECTED for each in group.responses}
        marks[group.responses[good].id] = Mark.CHOSEN
        if not more:
            marks[group.responses[good - 1].id] = Mark.EXCLUDED
        pairs = make_pairs(group.prompt, group.responses, marks).pairs
        order = tuple(marks)
        decision = Decision(group_id, ME, Verdict.CONFIRMED, 1, marks, order, len(pairs), 1.0, 2.0)
        self.store.decide(decision, self.dataset.plan(pairs))
        lines = [swift.encode(pair).rstrip(b"\n") for pair in pairs]
        self.ours.update(lines)
        self._remember(group_id, (Verdict.CONFIRMED, lines))

    @rule(group_id=groups)
    def skip(self, group_id: int) -> None:
        decision = Decision(group_id, ME, Verdict.SKIPPED, 1, {}, (), 0, 1.0, 2.0)
        self.store.decide(decision, None)
        self._remember(group_id, (Verdict.SKIPPED, []))

    @rule()
    def undo(self) -> None:
        undone = self.store.undo(ME)
        assert (undone is None) == (not self.undoable)
        if undone is None:
            return
        group_id, before = self.undoable.pop()
        assert undone[0].group_id == group_id
        if before is None:
            del self.counting[group_id]
        else:
            self.counting[group_id] = before

    @rule(newline=st.booleans())
    def others_append(self, newline: bool) -> None:
        there = self.file.read_bytes() if self.file.exists() else b""
        # Who left a line without its end knows, and ends it first.
        lead = b"\n" if self.foreign and there.endswith(self.foreign[-1]) else b""
        line = self._foreign_line()
        self.foreign.append(line)
        with self.file.open("ab") as stream:
            stream.write(lead + line + b"\n" * newline)

    def _foreign_line(self) -> bytes:
        self.lines_made += 1
        return json.dumps({"foreign": self.lines_made, "messages": [{"role": "user"}]}).encode()

    @precondition(lambda self: self.file.exists())
    @rule()
    def others_insert(self) -> None:
        line = self._foreign_line()
        self.foreign.insert(0, line)
        self.file.write_bytes(line + b"\n" + self.file.read_bytes())

    @precondition(lambda self: self.file.exists())
    @rule(gone=st.integers(0, 9), reverse=st.booleans())
    def others_edit(self, gone: int, reverse: bool) -> None:
        """Take something out, and turn the file round; what was written together stays so."""
        self.catch_up()
        content = self.file.read_bytes()
        blocks: list[bytes] = []
        at = 0
        for entry in self.store.in_order(0):
            lines = lines_of(entry)
            start = lines_start(entry)
            blocks += [*content[at:start].splitlines(), lines.removesuffix(b"\n")]
            at = start + len(lines)
        blocks += content[at:].splitlines()
        del blocks[gone : gone + 1]
        if reverse:
            blocks.reverse()
        lines_left = b"\n".join(blocks).splitlines()
        self.foreign = [each for each in lines_left if each not in self.ours]
        self.file.write_bytes(b"".join(each + b"\n" for each in lines_left))

    @precondition(lambda self: self.file.exists())
    @rule()
    def others_delete(self) -> None:
        self.file.unlink()
        self.foreign.clear()

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = SessionStore.open(self.folder / "s.db", annotator=ME)

    @rule()
    def catch_up(self) -> None:
        self.dataset.reconcile(self.store)
        assert self.store.unsettled() == []

    @rule()
    def catch_up_without_noting_it(self) -> None:
        reconcile_unheard(self.dataset, self.store)

    @rule(step=st.integers(0, 12), part=st.floats(0, 1))
    def die_while_catching_up(self, step: int, part: float) -> None:
        reconcile_and_die(self.dataset, self.store, step, part)

    @rule(thorough=st.booleans())
    def agree(self, thorough: bool) -> None:
        self.catch_up()
        content = self.file.read_bytes() if self.file.exists() else b""
        assert self.dataset.reconcile(self.store) == Reconciliation()
        assert content == (self.file.read_bytes() if self.file.exists() else b"")
        lines = content.removesuffix(b"\n").split(b"\n") if content else []
        wanted = Counter(line for _, each in self.counting.values() for line in each)
        assert Counter(line for line in lines if line in self.ours) == wanted
        assert [line for line in lines if line not in self.ours] == self.foreign
        if thorough:  # else only the last one is sure to be known where it is
            self.dataset.reconcile(self.store, thorough=True)
            assert content == (self.file.read_bytes() if self.file.exists() else b"")
            for entry in self.store.settled():
                begin, data = entry.region.offset, entry.region.data
                assert content[begin : begin + len(data)] == data
        assert {each.name for each in self.folder.iterdir()} <= {
            "pairs.jsonl", "s.db", "s.db-wal", "s.db-shm", *self._locks(),
            temporary_beside(self.file).name,
        }  # fmt: skip

    def _locks(self) -> set[str]:
        return {each.name for each in Path(self.folder).glob("*.lock")}

    @invariant()
    def counts(self) -> None:
        progress = self.store.progress(ME)
        verdicts = [verdict for verdict, _ in self.counting.values()]
        assert progress.confirmed == verdicts.count(Verdict.CONFIRMED)
        assert progress.skipped == verdicts.count(Verdict.SKIPPED)
        assert progress.pairs == sum(len(lines) for _, lines in self.counting.values())
        left = [each.id for each in self.store.upcoming(ME, 0, 99)]
        assert left == [each for each in range(1, len(PROMPTS) + 1) if each not in self.counting]
        assert self.store.next_undecided(ME, 99) == (left[0] if left else None)

    def teardown(self) -> None:
        with self.stack:
            self.agree(thorough=True)


TestLedger = Session.TestCase
TestLedger.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
