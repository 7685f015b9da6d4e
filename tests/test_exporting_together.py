"""`export` of so many groups that several processes work on it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from msgspec.structs import replace

from dpo_tui.cores import usable_cores
from dpo_tui.datasets.formats import FORMATS
from dpo_tui.datasets.lengths import Estimate
from dpo_tui.domain.model import Decision, Mark, Message, Prompt, Ready, Remarks, Verdict
from dpo_tui.domain.pairs import PairPolicy
from dpo_tui.export_job import ALL, TEST, TRAIN, ExportJob
from dpo_tui.exporting import export
from dpo_tui.reports.card import CardFacts, Provenance, card
from dpo_tui.store import decisions
from dpo_tui.store.session import SessionStore
from tests.terminal.program import PROGRAM, Person
from tests.terminal.terminal import PATIENCE
from tests.waiting import wait_until

COUNT = 5_200


def a_prompt(number: int) -> Prompt:
    """With something of everything that an export tells apart."""
    turns: tuple[Message, ...] = (Message("user", f"Question {number}, and why {number % 97}?"),)
    if number % 50 == 0:
        turns = (Message("user", "first"), Message("assistant", "reply"), *turns)
    if number % 3 == 0:
        turns = (Message("system", "Be kind."), *turns)
    texts = [f"answer {number} {letter * 9}" for letter in "abc"]
    if number % 40 == 0:
        texts[1] = f"{texts[0]}."
    if number % 41 == 0:
        texts[2] = f"{texts[0]} "
    if number % 43 == 0:
        texts[0] = f"half \ud83d {number}"
    ready = tuple(Ready(each, f"model-{slot}") for slot, each in enumerate(texts))
    return Prompt(turns, name=f"row-{number}", tags=(f"t{number % 3}",), responses=ready)


def a_decision(number: int, annotator: str, chosen: int) -> Decision:
    ids = tuple(range(3 * number - 2, 3 * number + 1))
    marks = {each: Mark.CHOSEN if each - ids[0] == chosen else Mark.REJECTED for each in ids}
    said = Remarks(strength=1 + number % 3, best=ids[chosen] if chosen < 3 else None)
    at = 1e9 + number
    return Decision(number, annotator, Verdict.CONFIRMED, 1, marks, ids, 2, at, 2.0, remarks=said)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Groups that ann has decided; bob thinks otherwise of some."""
    path = tmp_path_factory.mktemp("together") / "s.db"
    with closing(SessionStore.open(path, annotator="ann")) as store:
        store.import_prompts(a_prompt(each) for each in range(1, COUNT + 1))
    with (
        closing(SessionStore.open(path, annotator="bob")) as store,
        store._database.large_transaction() as connection,
    ):
        for number in range(1, COUNT + 1):
            chosen = 4 if number % 47 == 0 else 0
            decisions.add_decision(connection, a_decision(number, "ann", chosen), 1, None, 0.0)
        for number in range(1, COUNT + 1, 9):
            again = a_decision(number, "bob", number % 2)
            decisions.add_decision(connection, again, 2, None, 0.0)
    return path


def a_job(session: Path, folder: Path, form: str = "trl", **changes: Any) -> ExportJob:
    job = ExportJob(
        session=session,
        form=FORMATS[form],
        outputs={TRAIN: folder / "train.jsonl"},
        policy=PairPolicy(),
        ruler=Estimate(),
        user="ann",
    )
    return replace(job, **changes)


def everything(job: ExportJob, folder: Path, cores: int) -> dict[str, object]:
    """All that an export gives: files, card, summary."""
    provenance = Provenance()
    asked = job.provenance is not None
    job = replace(job, cores=cores, provenance=provenance if asked else None)
    told: list[tuple[int, int]] = []
    report = export(job, lambda *progress: told.append(progress))
    files = {split: path.name for split, path in job.outputs.items()}
    facts = CardFacts("title", job.form.name, "", "", has_cut_off=False, split="", files=files)
    found: dict[str, object] = {each.name: each.read_bytes() for each in folder.iterdir()}
    found["report"] = report
    found["order"] = [*report.barren], [*report.dropped], [*report.warnings]
    found["progress"] = told
    if asked:
        found["card"] = card(facts, report, provenance)
    for each in folder.iterdir():
        each.unlink()
    return found


@pytest.mark.parametrize(
    ("form", "changes"),
    [
        ("swift", {}),
        ("trl", {"shuffle": True, "max_length": 10, "annotator": ALL}),
        ("axolotl", {"meta": True, "sidecar": True, "tags": frozenset({"t1"}), "test": True}),
        ("llamafactory-alpaca", {"test": True, "shuffle": True, "sidecar": True}),
        ("trl-kto", {"annotator": ALL, "provenance": Provenance(), "gz": True}),
        ("openai", {"since": 1e9 + COUNT / 2, "policy": PairPolicy(best_only=True, limit=1)}),
        ("csv", {"meta": True, "shuffle": True}),
    ],
)
def test_the_files_are_the_same_however_many_work_on_them(
    session: Path, tmp_path: Path, form: str, changes: dict[str, Any]
) -> None:
    job = a_job(session, tmp_path, form)
    ending = "jsonl.gz" if changes.pop("gz", False) else "jsonl"
    outputs = {TRAIN: tmp_path / f"train.{ending}"}
    if changes.pop("test", False):
        outputs[TEST] = tmp_path / f"test.{ending}"
        job = replace(job, test_size=0.1)
    if changes.pop("sidecar", False):
        job = replace(job, sidecar=tmp_path / "side.jsonl")
    job = replace(job, outputs=outputs, **changes)
    one, two, three = (everything(job, tmp_path, cores) for cores in (1, 2, 3))
    assert one == two == three
    assert one[f"train.{ending}"]


def test_another_seed_shuffles_otherwise(session: Path, tmp_path: Path) -> None:
    orders = []
    for seed in (0, 0, 1):
        job = a_job(session, tmp_path, shuffle=True, policy=PairPolicy(seed=seed), cores=2)
        export(job, lambda *_: None)
        orders.append(job.outputs[TRAIN].read_bytes().splitlines())
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2])


class Busy:
    """Somebody who commits again and again, each time to the first and to the last group."""

    def __init__(self, session: Path) -> None:
        self.commits = 0
        self._session = session
        self._enough = Event()
        self._thread = Thread(target=self._commit)

    def _commit(self) -> None:
        with closing(sqlite3.connect(self._session, isolation_level=None, timeout=10)) as store:
            while not self._enough.is_set():
                self.commits += 1
                store.execute("BEGIN IMMEDIATE")
                for group in (1, COUNT):
                    text = f"state {self.commits:09} of {group}".encode()
                    store.execute(
                        "UPDATE responses SET text = ? WHERE group_id = ? AND slot = 0",
                        (text, group),
                    )
                store.execute("COMMIT")
                time.sleep(0.02)

    def __enter__(self) -> Busy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()


def test_one_state_is_seen_while_somebody_works_on(session: Path, tmp_path: Path) -> None:
    copy = tmp_path / "s.db"
    copy.write_bytes(session.read_bytes())
    job = a_job(copy, tmp_path, "swift", cores=2)
    states = set()
    with Busy(copy) as busy:
        for _ in range(5):
            before = busy.commits
            export(job, lambda *_: None)
            lines = job.outputs[TRAIN].read_text().splitlines()
            found = {line.partition("state ")[2][:9] for line in (lines[0], lines[-1])}
            assert len(found) == 1, found
            assert busy.commits > before
            states |= found
    assert len(states) > 1


def test_somebody_who_never_rests_leaves_it_to_one(session: Path, tmp_path: Path) -> None:
    copy = tmp_path / "s.db"
    copy.write_bytes(session.read_bytes())
    expected = everything(a_job(copy, tmp_path / "out", "trl-kto"), made(tmp_path / "out"), 1)
    stop = Event()

    def never_rest() -> None:
        with closing(sqlite3.connect(copy, isolation_level=None, timeout=10)) as store:
            while not stop.is_set():
                store.execute("UPDATE session SET last_used_at = last_used_at + 1")

    thread = Thread(target=never_rest)
    thread.start()
    try:
        assert everything(a_job(copy, tmp_path / "out", "trl-kto"), tmp_path / "out", 2) == expected
    finally:
        stop.set()
        thread.join()


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_a_damaged_decision_is_told_as_by_one(session: Path, tmp_path: Path) -> None:
    person = Person(tmp_path)
    copy = person.folder / "s.db"
    copy.write_bytes(session.read_bytes())
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute("UPDATE decisions SET marks = '{' WHERE id = 4000")
    result = person.run("export", "--session", "s.db", "--annotator", "ann", "-o", "out.jsonl")
    assert result.returncode == 1
    assert "a decision in it can't be read" in result.stderr
    assert "dpo-tui verify" in result.stderr
    assert [each.name for each in person.folder.iterdir()] == ["s.db"]


# --- ends ----------------------------------------------------------------------------------------


class Export:
    """The program, at work with its helpers."""

    def __init__(self, person: Person, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*PROGRAM, "export", "--session", "s.db", "--annotator", "ann", *arguments],
            env=person.environment,
            cwd=person.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def helpers(self) -> list[int]:
        """Their process ids, once they are there."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children")
        wait_until(lambda: len(children.read_text().split()) >= 2)
        return [int(each) for each in children.read_text().split()]

    def end(self) -> tuple[int, str]:
        """Its exit code, and what it said on standard error."""
        _, said = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, said


def wait_until_gone(pids: list[int]) -> None:
    wait_until(lambda: not any(Path(f"/proc/{each}").exists() for each in pids))


needs_cores = pytest.mark.skipif(usable_cores() < 2, reason="one core does it alone")


@pytest.fixture
def person(session: Path, tmp_path: Path) -> Iterator[Person]:
    person = Person(tmp_path)
    (person.folder / "s.db").write_bytes(session.read_bytes())
    yield person
    # SQLite's own files stay beside a session whose reader was killed.
    left = {each.name for each in person.folder.iterdir()}
    assert left <= {"s.db", "s.db-wal", "s.db-shm"}


@needs_cores
def test_a_helper_that_is_killed_is_told_and_leaves_no_file(person: Person) -> None:
    export = Export(person, "-o", "out.jsonl")
    pids = export.helpers()
    os.kill(pids[1], signal.SIGKILL)
    code, said = export.end()
    assert code == 1
    assert "has ended (SIGKILL)" in said
    assert "Traceback" not in said
    wait_until_gone(pids)


@needs_cores
@pytest.mark.parametrize(
    ("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_all(person: Person, number: signal.Signals, expected: int) -> None:
    export = Export(person, "-o", "out.jsonl")
    pids = export.helpers()
    export.process.send_signal(number)
    assert export.end() == (expected, "")
    wait_until_gone(pids)


@needs_cores
def test_helpers_do_not_outlive_who_started_them(person: Person) -> None:
    export = Export(person, "-o", "-")
    pids = export.helpers()
    export.process.kill()
    export.end()
    wait_until_gone(pids)


@needs_cores
def test_a_reader_that_has_seen_enough_ends_all(person: Person) -> None:
    export = Export(person, "-o", "-")
    pids = export.helpers()
    assert export.process.stdout
    export.process.stdout.readline()
    export.process.stdout.close()
    export.process.stdout = None
    assert export.end() == (0, "")
    wait_until_gone(pids)
