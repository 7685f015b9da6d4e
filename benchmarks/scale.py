"""What a large session costs beside a small one, and beside SQLite alone on the same disk.

    python -m benchmarks.scale [--groups 1000000] [--folder /a/disk]

Makes a JSONL file of prompts, imports it, decides every group, and then measures in processes of
their own: opening a session, and confirming. Confirms and bare commits take turns, so that the disk
is the same for both, and both have been at it for so long that their log files don't grow any more.
The disk is that of the folder (default: the system's temporary one).
"""

from __future__ import annotations

import json
import random
import resource
import sqlite3
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter, process_time, time

from benchmarks.common import ROOT, note, print_table
from dpo_tui.datasets import swift
from dpo_tui.datasets.live import LiveDataset
from dpo_tui.domain.ledger import Region
from dpo_tui.domain.model import Decision, Draft, Mark, Message, Pair, Prompt, Ready, Verdict
from dpo_tui.prompts import read_prompts
from dpo_tui.store import decisions, regions
from dpo_tui.store.session import SessionStore

_ME = "ann"
_SMALL = 100
_WARMING, _CONFIRMS = 200, 300
_WARMING_BARE = 1200
_OPENS = 7
_SIDES = ("A good answer. " * 30, "A bad answer. " * 30)


def main() -> None:
    """Measure and print."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--groups", type=int, default=100_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--measure", type=Path, help="for the processes that it starts")
    given = parser.parse_args()
    if given.measure:
        opened = _open(given.measure)
        bare, ours = _commits(given.measure)
        print(json.dumps({"open": opened, "bare": bare, "confirm": ours}))
        return
    with TemporaryDirectory(prefix="dpo-tui-scale-", dir=given.folder) as name:
        folder = Path(name)
        importing = _import(folder, given.groups)
        sides = [_measured(folder, count) for count in (_SMALL, given.groups)]
    print_table(f"Import of {given.groups:,} prompts", ("", "prompts/s of CPU"), importing)
    headings = ("", f"{_SMALL} decided groups", f"{given.groups:,} decided groups", "ratio")
    print_table("A session, opened and worked on", headings, _rows(*sides))
    print_table(
        f"Confirm until it is on disk, with {given.groups:,} groups (ms)",
        ("", "a bare SQLite commit", "confirm", "ratio"),
        [_commit_row(sides[1], key) for key in ("p50", "p99")],
    )


def _commit_row(side: dict[str, dict[str, float]], key: str) -> list[str]:
    bare, ours = side["bare"][key], side["confirm"][key]
    return [key, f"{bare:.2f}", f"{ours:.2f}", f"{ours / bare:.2f}"]


def _rows(
    small: dict[str, dict[str, float]], large: dict[str, dict[str, float]]
) -> list[list[str]]:
    rows = []
    for title, what, key in (
        ("open, first group and window (ms)", "open", "ms"),
        ("memory after that (MB)", "open", "rss"),
        ("jump to any group (ms)", "open", "jump"),
        ("confirm p50 (ms)", "confirm", "p50"),
        ("confirm p99 (ms)", "confirm", "p99"),
    ):
        one, other = small[what][key], large[what][key]
        rows.append([title, f"{one:.2f}", f"{other:.2f}", f"{other / one:.2f}"])
    return rows


# --- importing -----------------------------------------------------------------------------------


def _import(folder: Path, count: int) -> list[tuple[str, str]]:
    path = folder / "prompts.jsonl"
    note(f"writing {count:,} prompts")
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(_row(number))}\n" for number in range(count))
    note("importing")
    with closing(SessionStore.open(folder / "import.db", annotator=_ME)) as store:
        prompts = read_prompts(path)
        began = process_time()
        store.import_prompts(prompts, prompts.fingerprint(time() + 60))
        ours = count / (process_time() - began)
    began = process_time()
    read = sum(1 for _ in read_prompts(path)) / (process_time() - began)
    note("the same rows with SQLite alone")
    bare = count / _bare_import(folder)
    return [
        ("read and stored", f"{ours:,.0f}"),
        ("read alone", f"{read:,.0f}"),
        ("the same rows, SQLite alone", f"{bare:,.0f}"),
    ]


def _row(number: int) -> dict[str, str]:
    return {
        "id": f"row-{number}",
        "system": "You are helpful.",
        "user": f"Explain the number {number} to a child who likes trains, in three sentences.",
    }


def _bare_import(folder: Path) -> float:
    with closing(sqlite3.connect(folder / "import.db")) as source:
        schema = [
            sql
            for (sql,) in source.execute("SELECT sql FROM sqlite_master WHERE tbl_name = 'groups'")
            if sql
        ]
        rows = source.execute("SELECT * FROM groups ORDER BY id").fetchall()
    with closing(_bare_database(folder / "bare.db", schema)) as bare:
        bare.execute("PRAGMA cache_size = -32768")
        began = process_time()
        bare.execute("BEGIN IMMEDIATE")
        bare.executemany("INSERT INTO groups VALUES (?, ?, ?, ?, ?, ?)", rows)
        bare.execute("COMMIT")
        return process_time() - began


def _bare_database(path: Path, schema: Sequence[str]) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    for statement in schema:
        connection.execute(statement)
    return connection


# --- working -------------------------------------------------------------------------------------


def _measured(folder: Path, count: int) -> dict[str, dict[str, float]]:
    path = folder / f"decided-{count}.db"
    note(f"deciding {count:,} groups")
    _make_decided(path, count)
    note("opening and confirming")
    command = [sys.executable, "-m", "benchmarks.scale", "--measure", str(path)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, dict[str, float]] = json.loads(done.stdout)
    return found


def _make_decided(path: Path, count: int) -> None:
    """A session whose groups are all decided, but for the last ones."""
    dataset = path.with_suffix(".jsonl")
    store = SessionStore.open(path, annotator=_ME)
    store.import_prompts(_ready_prompts(count + _WARMING + _CONFIRMS), b"the file")
    offset = 0
    with dataset.open("wb") as file, store._database.large_transaction() as connection:
        for group_id in range(1, count + 1):
            line = swift.encode(_pair(group_id))
            decision = _decision(group_id)
            made = decisions.add_decision(connection, decision, 1, line, 0.0)
            regions.plan_region(connection, _decision(group_id, made), 1, Region(offset, line))
            offset += len(line)
            file.write(line)
        connection.execute("UPDATE regions SET settled = 1")
    store.close()


def _ready_prompts(count: int) -> Iterator[Prompt]:
    for number in range(1, count + 1):
        yield Prompt((Message("user", f"question {number}"),), responses=tuple(map(Ready, _SIDES)))


def _pair(group_id: int) -> Pair:
    return Pair((Message("user", f"question {group_id}"),), *_SIDES)


def _decision(group_id: int, decision_id: int = 0) -> Decision:
    good, bad = 2 * group_id - 1, 2 * group_id
    marks = {good: Mark.CHOSEN, bad: Mark.REJECTED}
    return Decision(
        group_id, _ME, Verdict.CONFIRMED, 1, marks, (good, bad), 1, time(), 2.0, decision_id
    )


def _open(path: Path) -> dict[str, float]:
    """What it takes until the first group could be painted, and to go to any other."""
    times, jumps = [], []
    for _ in range(_OPENS):
        began = perf_counter()
        store = SessionStore.open(path, annotator=_ME)
        dataset = LiveDataset(path.with_suffix(".jsonl"), swift.encode)
        if not store.is_imported(b"the file"):
            raise RuntimeError("it would be read again")
        dataset.reconcile(store)
        total = store.progress(_ME).total
        first = store.next_undecided(_ME, -1)
        store.group(first or 1, _ME)
        store.upcoming(_ME, 0, 8)
        times.append(perf_counter() - began)
        began = perf_counter()
        store.group(store.group_at(random.randrange(total)) or 1, _ME)
        jumps.append(perf_counter() - began)
        store.close()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    rss = pages * resource.getpagesize() / 2**20
    return {"ms": 1000 * median(times), "jump": 1000 * median(jumps), "rss": rss}


def _commits(path: Path) -> tuple[dict[str, float], dict[str, float]]:
    """Bare commits and confirms, in turns of either order."""
    bare_times: list[float] = []
    times: list[float] = []
    dataset = LiveDataset(path.with_suffix(".jsonl"), swift.encode)
    rows = ["CREATE TABLE rows (id INTEGER PRIMARY KEY, x)"]
    with (
        closing(SessionStore.open(path, annotator=_ME)) as store,
        closing(_bare_database(path.with_suffix(".bare.db"), rows)) as bare,
    ):

        def commit() -> None:
            began = perf_counter()
            bare.execute("BEGIN IMMEDIATE")
            bare.execute("INSERT INTO rows (x) VALUES (?)", (b"x" * 1000,))
            bare.execute("COMMIT")
            bare_times.append(1000 * (perf_counter() - began))

        def confirm(group_id: int) -> None:
            store.save_draft(group_id, _ME, Draft(marks={0: Mark.CHOSEN}))
            began = perf_counter()
            store.decide(_decision(group_id), dataset.plan([_pair(group_id)]))
            times.append(1000 * (perf_counter() - began))
            dataset.reconcile(store)

        for _ in range(_WARMING_BARE - _WARMING):
            commit()
        for group in list(store.upcoming(_ME, 0, _WARMING + _CONFIRMS)):
            turns: list[Callable[[], None]] = [commit, partial(confirm, group.id)]
            for turn in random.sample(turns, len(turns)):
                turn()
    return _figures(bare_times), _figures(times)


def _figures(times: Sequence[float]) -> dict[str, float]:
    last = times[-_CONFIRMS:]
    return {"p50": median(last), "p99": quantiles(last, n=100)[98]}


if __name__ == "__main__":
    main()
