"""The dataset file on a real disk: who may read it, what it refuses, what a failure leaves."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from dpo_tui.datasets import swift
from dpo_tui.datasets.inspection import inspect_dataset
from dpo_tui.datasets.live import LiveDataset
from dpo_tui.datasets.matching import lines_of
from dpo_tui.domain.ledger import Entry, Reconciliation, Region
from dpo_tui.domain.model import Message, Pair
from dpo_tui.errors import DatasetError


def pair(number: int, size: int = 1) -> Pair:
    return Pair((Message("user", f"question {number}"),), "good " * size, "bad")


def line(number: int, size: int = 1) -> bytes:
    return swift.encode(pair(number, size))


class Known:
    """What a session knows of a dataset file."""

    def __init__(self, path: Path) -> None:
        self.dataset = LiveDataset(path, swift.encode)
        self.entries: dict[int, Entry] = {}
        self.reads = 0
        """Settled entries that were read."""
        self._unsettled: Sequence[Entry] = ()

    def add(self, number: int, size: int = 1) -> Reconciliation:
        planned = self.dataset.plan([pair(number, size)])
        return self.reconcile(Entry(number, planned, wanted=True, written=False))

    def add_again(self, number: int) -> Reconciliation:
        return self.reconcile(replace(self.entries[number], wanted=True))

    def drop(self, number: int) -> Reconciliation:
        return self.reconcile(replace(self.entries[number], wanted=False))

    def reconcile(self, *unsettled: Entry) -> Reconciliation:
        self._unsettled = unsettled
        return self.dataset.reconcile(self)

    def unsettled(self) -> Sequence[Entry]:
        return self._unsettled

    def settled(self) -> Iterator[Entry]:
        but = {each.decision_id for each in self._unsettled}
        there = [e for e in self.entries.values() if e.wanted and e.decision_id not in but]
        for entry in sorted(there, key=lambda each: -each.region.offset):
            self.reads += 1
            yield entry

    def in_order(self, start: int) -> Iterator[Entry]:
        there = list(self.settled())[::-1]
        before = sum(each.region.offset <= start for each in there)
        yield from there[max(before - 1, 0) :]

    def settle(self, entries: Iterable[Entry]) -> None:
        for each in entries:
            known = self.entries.get(each.decision_id, each)
            data = each.region.data or lines_of(known)
            region = Region(each.region.offset, data)
            self.entries[each.decision_id] = replace(each, region=region, written=each.wanted)

    def plan(self, entries: Iterable[Entry]) -> None:
        self._unsettled = [*entries]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pairs.jsonl"


@contextmanager
def full_disk(at: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (at, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_new_file_is_private_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        Known(path).add(1)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_planning_writes_nothing(path: Path) -> None:
    LiveDataset(path, swift.encode).plan([pair(1)])
    assert not path.exists()


def test_a_plan_knows_what_others_did_to_the_file_since(path: Path) -> None:
    ledger = Known(path)
    ledger.add(1)
    assert ledger.dataset.plan([pair(2)]) == Region(len(line(1)), line(2))
    with path.open("ab") as stream:
        stream.write(b'{"foreign": 1}')
    size = path.stat().st_size
    assert ledger.dataset.plan([pair(2)]) == Region(size, b"\n" + line(2))
    ledger.add(2)
    ledger.drop(2)
    assert path.read_bytes() == line(1) + b'{"foreign": 1}'
    path.unlink()
    assert ledger.dataset.plan([pair(2)]) == Region(0, line(2))


def test_a_foreign_line_without_an_end_is_never_glued_to(path: Path) -> None:
    path.write_bytes(b'{"foreign": 1}')
    ledger = Known(path)
    ledger.add(1)
    assert path.read_bytes() == b'{"foreign": 1}\n' + line(1)
    ledger.drop(1)
    assert path.read_bytes() == b'{"foreign": 1}'


def test_taking_out_the_last_one_cuts_and_keeps_the_file(path: Path) -> None:
    ledger = Known(path)
    ledger.add(1)
    ledger.add(2)
    before = path.stat().st_ino
    assert ledger.drop(2).removed == 1
    assert path.read_bytes() == line(1)
    assert path.stat().st_ino == before


def test_taking_one_out_of_the_middle_keeps_the_rest_and_the_mode(path: Path) -> None:
    ledger = Known(path)
    for number in (1, 2, 3):
        ledger.add(number)
    path.chmod(0o640)
    with path.open("ab") as stream:
        stream.write(b'{"foreign": 1}')
    assert ledger.drop(2) == Reconciliation(settled=2, removed=1)
    assert path.read_bytes() == line(1) + line(3) + b'{"foreign": 1}'
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert ledger.entries[3].region.offset == len(line(1))
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_one_is_taken_out_of_a_file_with_the_longest_of_names(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    ledger = Known(path)
    ledger.add(1)
    ledger.add(2)
    ledger.drop(1)
    assert path.read_bytes() == line(2)


def test_several_at_once_are_taken_out_in_one_step(path: Path) -> None:
    ledger = Known(path)
    for number in range(6):
        ledger.add(number)
    gone = [replace(ledger.entries[n], wanted=False) for n in (1, 2, 4)]
    assert ledger.reconcile(*gone).removed == 3
    assert path.read_bytes() == line(0) + line(3) + line(5)
    assert ledger.reconcile() == Reconciliation()


def test_a_symlink_is_followed_once_and_stays(tmp_path: Path, path: Path) -> None:
    target = tmp_path / "elsewhere.jsonl"
    path.symlink_to(target)
    ledger = Known(path)
    path.unlink()
    ledger.add(1)
    assert target.read_bytes() == line(1)


@pytest.mark.parametrize("kind", ["folder", "fifo", "device", "symlink"])
def test_what_is_no_file_is_refused(path: Path, kind: str) -> None:
    ledger = Known(path)
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "symlink":
        path.symlink_to("/dev/null")
    else:
        ledger = Known(Path("/dev/null"))
    with pytest.raises(DatasetError) as caught:
        ledger.add(1)
    assert "pairs.jsonl" in caught.value.message or "/dev/null" in caught.value.message
    assert caught.value.remedy


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="gone") as caught:
        Known(tmp_path / "gone" / "pairs.jsonl").add(1)
    assert "Make the folder" in caught.value.remedy


def test_a_full_disk_leaves_no_part_of_a_line(path: Path) -> None:
    ledger = Known(path)
    ledger.add(1)
    with full_disk(path.stat().st_size + 100), pytest.raises(DatasetError) as caught:
        ledger.add(2, size=1000)
    assert path.read_bytes() == line(1)
    assert "space" in caught.value.remedy
    ledger.add(2, size=1000)
    assert path.read_bytes() == line(1) + line(2, size=1000)


def test_a_full_disk_while_rewriting_leaves_the_file_as_it_was(path: Path) -> None:
    ledger = Known(path)
    for number in (1, 2, 3):
        ledger.add(number)
    before = path.read_bytes()
    with full_disk(100), pytest.raises(DatasetError):
        ledger.drop(1)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_two_sessions_share_a_file(path: Path) -> None:
    one, two = Known(path), Known(path)
    one.add(1)
    two.add(2)
    one.add(3)
    two.add(4)
    one.drop(1)
    two.drop(2)
    assert path.read_bytes() == line(3) + line(4)
    assert one.reconcile() == Reconciliation(settled=1)  # the other one moved it
    assert two.reconcile() == one.reconcile() == Reconciliation()
    assert path.read_bytes() == line(3) + line(4)


def test_while_another_one_holds_the_lock_nothing_is_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Known(path)
    ledger.add(1)
    monkeypatch.setattr("dpo_tui.datasets.file._LOCK_SECONDS", 0.0)
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(DatasetError, match="locked"):
            ledger.add(2)
    ledger.add(2)
    assert path.read_bytes() == line(1) + line(2)


def test_a_deleted_file_is_written_again_in_order(path: Path) -> None:
    ledger = Known(path)
    for number in (1, 2, 3):
        ledger.add(number)
    path.unlink()
    assert ledger.reconcile().appended == 3
    assert path.read_bytes() == line(1) + line(2) + line(3)


def test_a_deleted_file_whose_rewriting_was_cut_off_is_completed(path: Path) -> None:
    ledger = Known(path)
    for number in (1, 2, 3):
        ledger.add(number)
    path.write_bytes(line(1) + line(2)[:40])
    result = ledger.reconcile()
    assert (result.appended, result.completed) == (1, 1)
    assert path.read_bytes() == line(1) + line(2) + line(3)


def test_when_all_is_well_only_the_last_entry_is_read(path: Path) -> None:
    ledger = Known(path)
    for number in (1, 2, 3):
        ledger.add(number)
    ledger.reads = 0
    assert ledger.reconcile() == Reconciliation()
    assert ledger.reads == 1


def test_a_torn_write_is_completed(path: Path) -> None:
    ledger = Known(path)
    ledger.add(1)
    planned = ledger.dataset.plan([pair(2)])
    with path.open("ab") as stream:
        stream.write(line(2)[:40])
    assert ledger.reconcile(Entry(2, planned, wanted=True, written=False)).completed == 1
    assert path.read_bytes() == line(1) + line(2)


@pytest.mark.parametrize(
    ("cut", "glue"),
    [(1, b""), (14, b""), (15, b""), (40, b""), (-1, b""), (1, b"\n"), (14, b"\n"), (-2, b"\n")],
)
def test_a_line_that_was_written_behind_a_torn_one_is_kept(
    path: Path, cut: int, glue: bytes
) -> None:
    ledger = Known(path)
    ledger.add(1)
    planned = ledger.dataset.plan([pair(2)])
    foreign = b'{"messages": [{"role": "user", "content": "question 9"}]}\n'
    with path.open("ab") as stream:
        stream.write(line(2)[:cut] + glue + foreign)
    ledger.reconcile(Entry(2, planned, wanted=True, written=False))
    assert path.read_bytes() == line(1) + foreign + line(2)
    assert ledger.reconcile() == Reconciliation()


@pytest.mark.parametrize("cut", range(sum(map(len, map(line, (1, 2, 3))))))
def test_a_torn_write_that_begins_like_what_it_replaces_is_completed(path: Path, cut: int) -> None:
    ledger = Known(path)
    ledger.add(1)
    old = replace(ledger.entries[1], wanted=False)
    whole = line(1) + line(2) + line(3)
    planned = Region(0, whole)  # noted when the old lines were gone
    path.write_bytes(whole[:cut])  # they are gone, the new ones not whole yet
    ledger.reconcile(old, Entry(2, planned, wanted=True, written=False))
    assert path.read_bytes() == whole
    assert ledger.reconcile() == Reconciliation()


def test_equal_lines_of_two_decisions_are_both_there(path: Path) -> None:
    ledger = Known(path)
    planned = ledger.dataset.plan([pair(7)])
    ledger.reconcile(*(Entry(number, planned, wanted=True, written=False) for number in (1, 2)))
    assert path.read_bytes() == line(7) * 2
    assert {each.region.offset for each in ledger.entries.values()} == {0, len(line(7))}


def test_equal_lines_of_others_stay(path: Path) -> None:
    path.write_bytes(line(1))
    ledger = Known(path)
    ledger.add(1)
    assert path.read_bytes() == line(1) * 2
    ledger.drop(1)
    assert path.read_bytes() == line(1)
    ledger.add_again(1)
    assert path.read_bytes() == line(1) * 2
    ledger.drop(1)
    unwritten = Entry(2, ledger.dataset.plan([pair(1)]), wanted=False, written=False)
    ledger.reconcile(unwritten)
    assert path.read_bytes() == line(1)


def test_equal_lines_of_another_session_stay(path: Path) -> None:
    one, two = Known(path), Known(path)
    one.add(1)
    two.add(1)
    two.drop(1)
    assert path.read_bytes() == line(1)
    assert one.reconcile() == Reconciliation()


def as_windows_writes(content: bytes) -> bytes:
    return b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n")


def as_jq_writes(content: bytes) -> bytes:
    rows = map(json.loads, content.splitlines())
    return b"".join(json.dumps(row, separators=(",", ":")).encode() + b"\n" for row in rows)


def shuffled(content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    return b"".join(lines[1::2] + lines[::2])


def without_second_line(content: bytes) -> bytes:
    first, _, *rest = content.splitlines(keepends=True)
    return b"".join([first, *rest])


@pytest.mark.parametrize(
    "edit", [as_windows_writes, as_jq_writes, shuffled, without_second_line, lambda _: b""]
)
def test_rows_that_others_put_otherwise_are_neither_doubled_nor_left(
    path: Path, edit: Callable[[bytes], bytes]
) -> None:
    ledger = Known(path)
    for number in (1, 4, 7):
        pairs = [pair(number), pair(number + 1), pair(number + 2, size=3)]
        planned = ledger.dataset.plan(pairs)
        ledger.reconcile(Entry(number, planned, wanted=True, written=False))
    whole = path.read_bytes()
    foreign = b'{"foreign": 1}\n'
    path.write_bytes(edit(whole) + foreign)
    assert any("decisions" in each for each in inspect_dataset(path, ledger))
    done = ledger.reconcile()
    assert done.restored == done.appended + done.completed > 0
    assert Counter(path.read_bytes().splitlines()) == Counter((whole + foreign).splitlines())
    assert [*inspect_dataset(path, ledger)] == []
    path.write_bytes(edit(path.read_bytes().replace(foreign, b"")) + foreign)
    ledger.reconcile(*(replace(each, wanted=False) for each in ledger.entries.values()))
    assert path.read_bytes() == foreign


def test_an_own_line_whose_end_was_taken_away_gets_it_back(path: Path) -> None:
    ledger = Known(path)
    ledger.add(1)
    path.write_bytes(line(1).rstrip())
    ledger.add(2)
    ledger.drop(2)
    assert path.read_bytes() == line(1)


def test_what_should_not_be_there_makes_no_file(path: Path) -> None:
    ledger = Known(path)
    gone = Entry(1, ledger.dataset.plan([pair(1)]), wanted=False, written=False)
    assert ledger.reconcile(gone) == Reconciliation(settled=1)
    assert ledger.entries == {1: gone}
    assert not path.exists()
