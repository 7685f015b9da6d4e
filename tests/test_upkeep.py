"""`history`, `verify` and `backup`: the real program on sessions in order and out of it."""

from __future__ import annotations

import fcntl
import json
import shlex
import sqlite3
import stat
import subprocess
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from dpo_tui.datasets import swift
from dpo_tui.datasets.live import LiveDataset
from dpo_tui.domain.model import Decision, Mark, Message, Pair, Prompt, Remarks, Verdict
from dpo_tui.store.backup import copy_database
from dpo_tui.store.database import read_only
from dpo_tui.store.session import SessionStore
from tests.samples import ready
from tests.terminal.program import ANNOTATOR, PROGRAM, Person
from tests.unprivileged import run_unprivileged
from tests.waiting import wait_until

FOREIGN = b'{"messages": [], "rejected_response": "of somebody else"}\n'
TEXTS = ("first", "second \x1b[31m", "third", "fourth")


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path)


def confirm(store: SessionStore, dataset: LiveDataset, group_id: int) -> None:
    marks = {2 * group_id - 1: Mark.CHOSEN, 2 * group_id: Mark.REJECTED}
    pair = Pair(store.group(group_id, ANNOTATOR).prompt.messages, "good", "bad")
    decision = Decision(
        group_id, ANNOTATOR, Verdict.CONFIRMED, 1, marks, tuple(marks), 1, 1e9 + group_id, 2.4
    )
    store.decide(decision, dataset.plan([pair]))
    dataset.reconcile(store)


@pytest.fixture
def session(person: Person) -> Path:
    """Four groups: confirmed, confirmed, skipped after a confirm, confirmed and taken back."""
    path = person.folder / "s.db"
    store = SessionStore.open(path, annotator=ANNOTATOR)
    store.import_prompts(
        Prompt((Message("user", text),), name=text[:5] or None, responses=ready("good", "bad"))
        for text in TEXTS
    )
    dataset = LiveDataset(person.folder / "pairs.jsonl", swift.encode)
    dataset.path.write_bytes(FOREIGN)
    store.remember(dataset_path=dataset.path)
    for group_id in (1, 2, 3):
        confirm(store, dataset, group_id)
    store.decide(Decision(3, ANNOTATOR, Verdict.SKIPPED, 1, {}, (), 0, 1e9 + 4, 1.0), None)
    confirm(store, dataset, 4)
    store.undo(ANNOTATOR)
    dataset.reconcile(store)
    store.close()
    return path


# --- history -------------------------------------------------------------------------------------


def test_history_is_a_table_that_fits(person: Person, session: Path) -> None:
    result = person.run("history", "--session", str(session), COLUMNS="80")
    assert (result.returncode, result.stderr) == (0, "")
    head, *rows = result.stdout.splitlines()
    assert head.split() == ["when", "group", "prompt", "verdict", "pairs", "time"]
    assert [row.split()[2] for row in rows] == ["4", "3", "3", "2", "1"]
    assert [row.split("s", 1)[1] and " ".join(row.split()[7:]) for row in rows] == [
        "taken back",
        "counts",
        "replaced",
        "counts",
        "counts",
    ]
    assert "\x1b" not in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_history_tells_decisions_that_are_left_out_with_their_prompt(
    person: Person, session: Path
) -> None:
    store = SessionStore.open(session, annotator=ANNOTATOR)
    store.import_prompts([Prompt((Message("user", "another"),))])
    told = []
    for drops in (False, True):
        store.keep_removed(drops=drops)
        result = person.run("history", "--session", str(session), "--json")
        told.append([json.loads(each)["state"] for each in result.stdout.splitlines()])
    store.close()
    assert told == [
        ["taken back", "counts", "replaced", "counts", "counts"],
        ["taken back", "left out", "replaced", "left out", "left out"],
    ]


def test_history_in_json_names_everything(person: Person, session: Path) -> None:
    result = person.run("history", "--session", str(session), "--json", "--limit", "2")
    newest, before = map(json.loads, result.stdout.splitlines())
    assert newest.pop("decided_at").startswith("2001-09-")
    assert newest == {
        "annotator": ANNOTATOR,
        "group": 4,
        "id": "fourt",
        "prompt": "fourth",
        "verdict": "confirmed",
        "pairs": 1,
        "seconds": 2.4,
        "state": "taken back",
        "flagged": False,
        "tie": False,
        "best": None,
        "strength": None,
        "labels": [],
        "note": "",
    }
    assert (before["verdict"], before["state"]) == ("skipped", "counts")


def test_history_tells_remarks_and_flags(person: Person, session: Path) -> None:
    store = SessionStore.open(session, annotator=ANNOTATOR)
    remarks = Remarks(best=7, strength=2, note="odd \x1b[31m", labels=("wrong", "long"))
    marks = {7: Mark.CHOSEN, 8: Mark.REJECTED}
    decided = Decision(4, ANNOTATOR, Verdict.CONFIRMED, 1, marks, (8, 7), 0, 1e9, 1.0)
    store.decide(replace(decided, remarks=remarks), None)
    store.set_flag(4, ANNOTATOR, flagged=True)
    store.close()
    result = person.run("history", "--session", str(session), "--limit", "1", COLUMNS="140")
    head, row = result.stdout.splitlines()
    assert head.split()[-1] == "remarks"
    assert "flagged, wrong, long, strength 2, odd" in row
    assert "\x1b" not in row
    result = person.run("history", "--session", str(session), "--json", "--limit", "1")
    told = json.loads(result.stdout)
    assert (told["best"], told["strength"], told["labels"]) == (2, 2, ["wrong", "long"])
    assert (told["note"], told["flagged"], told["tie"]) == ("odd \x1b[31m", True, False)
    copy = person.folder / "copy.db"
    assert person.run("backup", str(copy), "--session", str(session)).returncode == 0
    again = person.run("history", "--session", str(copy), "--json", "--limit", "1")
    assert again.stdout == result.stdout
    assert person.run("verify", "--session", str(session)).returncode == 0


def test_history_of_somebody_who_is_not_there(person: Person, session: Path) -> None:
    result = person.run("history", "--session", str(session), "--annotator", "nobody")
    assert (result.returncode, result.stdout) == (2, "")
    assert "nobody who is called 'nobody' has worked on" in result.stderr
    assert "Those who have: " in result.stderr


@pytest.mark.parametrize("command", [("history",), ("verify",), ("backup", "copy.db")])
def test_a_session_has_to_be_named_and_to_be_there(
    person: Person, command: tuple[str, ...]
) -> None:
    result = person.run(*command)
    assert result.returncode == 2
    assert "which session?" in result.stderr
    result = person.run(*command, "--session", "none")
    assert result.returncode == 2
    assert "there is no session" in result.stderr
    result = person.run(*command, "prompts.toml")
    assert result.returncode == 2
    assert "no session of prompts.toml" in result.stderr


def test_a_session_can_be_named_in_the_place_of_its_prompts_file(person: Person) -> None:
    person.write("p.toml", '[[prompt]]\nuser = "u"\nresponses = ["a", "b"]\n')
    assert person.run("generate", "p.toml", "--session", "mine").returncode == 0
    assert person.run("generate", "p.toml", "--session", "./own.db").returncode == 0
    (in_data,) = person.home.rglob("mine.db")
    for name in ("mine", str(in_data), "own.db", "./own.db"):
        said = person.run("verify", name)
        assert (said.returncode, said.stderr) == (0, ""), name
        assert "are in order" in said.stdout
    assert "/p.toml --session mine\n" in person.run("report", "mine").stdout
    for name in ("none.db", "n" * 300, "p.toml/mine"):
        said = person.run("verify", name)
        assert (said.returncode, "there is no session of" in said.stderr) == (2, True), said.stderr


def test_paths_that_lead_nowhere_are_told(person: Person) -> None:
    person.write("p.toml", '[[prompt]]\nuser = "u"\nresponses = ["a", "b"]\n')
    for name in ("loop.toml", "loop.jsonl"):
        (person.folder / name).symlink_to(name)
    for command, code, said in (
        (f"history --session {'s' * 250}", 2, "too long"),
        (f"generate p.toml --session {'s' * 250}", 2, "too long"),
        ("history loop.toml", 2, "no session of loop.toml"),
        ("generate p.toml --output loop.jsonl", 0, "1 of 1"),
    ):
        result = person.run(*command.split())
        assert (result.returncode, said in result.stderr) == (code, True), result.stderr


def test_a_session_in_a_folder_that_may_not_be_entered_is_told(person: Person) -> None:
    (person.folder / "closed").mkdir(mode=0)
    result = run_unprivileged(person, "history", "--session", "closed/s.db")
    assert (result.returncode, "Permission denied" in result.stderr) == (2, True), result.stderr


# --- verify --------------------------------------------------------------------------------------


def verified(person: Person, session: Path, *arguments: str) -> tuple[int, str]:
    result = person.run("verify", "--session", str(session), *arguments)
    assert "Traceback" not in result.stderr
    return result.returncode, result.stdout + result.stderr


def test_a_session_in_order(person: Person, session: Path) -> None:
    files = {each: each.read_bytes() for each in person.left_behind()}
    code, said = verified(person, session)
    assert (code, "in order" in said) == (0, True), said
    assert {each: each.read_bytes() for each in person.left_behind()} == files


def sql(statement: str) -> Callable[[Path], None]:
    def harm(session: Path) -> None:
        with closing(sqlite3.connect(session)) as connection, connection:
            connection.execute(statement)

    return harm


def dataset_bytes(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def harm(session: Path) -> None:
        dataset = session.with_name("pairs.jsonl")
        dataset.write_bytes(change(dataset.read_bytes()))

    return harm


MENDABLE: dict[str, Callable[[Path], None]] = {
    "another verdict": sql("UPDATE verdicts SET decision_id = 3 WHERE group_id = 3"),
    "undo or redo": sql("UPDATE annotators SET undone = NULL"),
    "in the queue": sql("UPDATE session SET queued = 7"),
    "taken for undecided": sql("DELETE FROM undecided"),
    "waited for": sql("UPDATE undecided SET position = 99"),
    "wrong counters": sql("UPDATE annotators SET pairs = pairs + 1"),
    "wanted and should not be": sql("UPDATE regions SET wanted = 1"),
    "without a place": sql("DELETE FROM regions WHERE decision_id = 2"),
    "at other places": sql("UPDATE regions SET position = position + 3"),
    "are missing": dataset_bytes(lambda _: FOREIGN),
    "cut off": dataset_bytes(lambda data: data[:-9]),
    "not there": lambda session: session.with_name("pairs.jsonl").unlink(),
}


@pytest.mark.parametrize("said", MENDABLE)
def test_what_is_wrong_is_told_and_repaired(person: Person, session: Path, said: str) -> None:
    dataset = session.with_name("pairs.jsonl")
    good = sorted(dataset.read_bytes().splitlines())
    MENDABLE[said](session)
    before = session.read_bytes()
    code, told = verified(person, session)
    assert (code, said in told) == (1, True), told
    assert session.read_bytes() == before
    code, told = verified(person, session, "--repair")
    assert (code, "in order" in told) == (0, True), told
    lines = sorted(dataset.read_bytes().splitlines())
    assert lines == [each for each in good if each in lines]
    assert len(lines) >= len(good) - 1
    assert set(good) - set(lines) <= {FOREIGN.strip()}


def test_a_line_that_stands_twice_is_told_and_left(person: Person, session: Path) -> None:
    dataset_bytes(lambda data: data + data.splitlines(keepends=True)[1])(session)
    code, told = verified(person, session, "--repair")
    assert code == 1
    assert "line 4" in told


def test_pairs_of_no_use_are_told_whoever_wrote_them(person: Person, session: Path) -> None:
    dataset = person.folder / "pairs.jsonl"
    with dataset.open("ab") as file:
        file.write(swift.encode(Pair((Message("user", "q"),), "same", "same")))
        file.write(b'{"prompt": "q", "chosen": "a b", "rejected": "a  b"}\n')
        file.write(b'{"prompt": "q", "chosen": [], "rejected": "b"}\n')
        file.write(b'{"prompt": "q", "chosen": " ", "rejected": "b"}\n[broken\n')
    before = dataset.read_bytes()
    code, told = verified(person, session)
    assert code == 1
    number = before.count(b"\n") - 4
    assert f"identical (line {number})" in told
    assert f"differ in white space only (line {number + 1})" in told
    assert f"empty (line {number + 3})" in told
    assert dataset.read_bytes() == before


def test_a_damaged_file_is_told_and_never_touched(person: Person, session: Path) -> None:
    data = bytearray(session.read_bytes())
    data[4096:20000] = b"\xff" * (20000 - 4096)
    session.write_bytes(data)
    for arguments in ((), ("--repair",)):
        code, told = verified(person, session, *arguments)
        assert code == 1, told
        assert "Go on with a backup" in told
        assert "--repair rebuilds" not in told
        assert session.read_bytes() == data


def test_a_time_beyond_the_calendar_stops_nothing(person: Person, session: Path) -> None:
    sql("UPDATE decisions SET decided_at = 1e15")(session)
    sql("UPDATE session SET last_used_at = 1e15")(session)
    folder = person.home / ".local/share/dpo-tui/sessions"
    folder.mkdir(parents=True)
    session.rename(folder / "s.db")
    for words in (
        "sessions",
        "history --session s",
        "history --session s --json",
        "export --session s --meta --card CARD.md",
    ):
        result = person.run(*words.split())
        assert result.returncode == 0, result.stderr
        assert "9999-12-" in result.stdout


def test_repair_waits_for_nobody(person: Person, session: Path) -> None:
    store = SessionStore.open(session, annotator=ANNOTATOR)
    code, told = verified(person, session, "--repair")
    store.close()
    assert code == 1
    assert "in use" in told


def test_repair_keeps_the_log_from_whoever_leaves(person: Person, session: Path) -> None:
    SessionStore.open(session, annotator="other").close()
    dataset = person.folder / "pairs.jsonl"
    lines = dataset.read_bytes()
    dataset.write_bytes(FOREIGN)
    person.write("more.jsonl", '{"user": "more", "responses": ["a", "b"]}\n')
    with dataset.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        repair = subprocess.Popen(
            [*PROGRAM, "verify", "--repair", "--session", str(session)],
            env=person.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        wait_until(lambda: "pairs.jsonl" in opened_by(repair.pid))
        result = person.run("generate", "more.jsonl", "--session", str(session))
        assert result.returncode == 0, result.stderr
    told, _ = repair.communicate()
    assert (repair.returncode, "in order" in told) == (0, True), told
    assert dataset.read_bytes() == lines


def opened_by(pid: int) -> set[str]:
    found = set()
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since it was listed
            found.add(each.readlink().name)
    return found


# --- backup --------------------------------------------------------------------------------------


def test_a_backup_is_whole_and_private_while_somebody_labels(person: Person, session: Path) -> None:
    store = SessionStore.open(session, annotator=ANNOTATOR)
    dataset = LiveDataset(person.folder / "pairs.jsonl", swift.encode)
    confirm(store, dataset, 4)
    copy = person.folder / "copy.db"
    result = person.run("backup", "copy.db", "--session", str(session))
    assert (result.returncode, result.stdout) == (0, "copy.db written\n")
    store.close()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert verified(person, copy)[0] == 0
    with closing(SessionStore.open(copy, annotator=ANNOTATOR)) as copied:
        assert copied.progress(ANNOTATOR).pairs == 3


def test_a_backup_is_whole_if_somebody_begins_meanwhile(person: Person, session: Path) -> None:
    rows = (f'{{"user": "{number}", "responses": ["a", "b"]}}\n' for number in range(2000))
    person.write("more.jsonl", "".join(rows))
    copy = person.folder / "copy.db"
    with read_only(session) as connection:
        connection.execute("SELECT count(*) FROM groups").fetchone()
        result = person.run("generate", "more.jsonl", "--session", str(session))
        assert result.returncode == 0, result.stderr
        copy_database(connection, copy)
    assert verified(person, copy)[0] == 0
    assert not (person.folder / "s.db-wal").exists()


def test_a_backup_overwrites_nothing(person: Person, session: Path) -> None:
    (person.folder / "copy.db").write_text("mine")
    result = person.run("backup", "copy.db", "--session", str(session))
    assert result.returncode == 2
    assert "already" in result.stderr
    assert (person.folder / "copy.db").read_text() == "mine"


def test_a_backup_of_a_damaged_session_names_that_one(person: Person, session: Path) -> None:
    data = bytearray(session.read_bytes())
    data[200:4096] = b"\xff" * (4096 - 200)
    session.write_bytes(data)
    result = person.run("backup", "copy.db", "--session", str(session))
    assert result.returncode == 1
    assert f"{session}: the file is damaged" in " ".join(result.stderr.split())
    assert not (person.folder / "copy.db").exists()


def test_equal_pairs_of_two_annotators_are_both_rebuilt(person: Person, session: Path) -> None:
    dataset = LiveDataset(person.folder / "pairs.jsonl", swift.encode)
    with closing(SessionStore.open(session, annotator="other")) as store:
        store.remember(dataset_path=dataset.path)
        pair = Pair(store.group(1, "other").prompt.messages, "good", "bad")
        marks = {1: Mark.CHOSEN, 2: Mark.REJECTED}
        decision = Decision(1, "other", Verdict.CONFIRMED, 1, marks, (1, 2), 1, 0.0, 0.0)
        store.decide(decision, dataset.plan([pair]))
        dataset.reconcile(store)
    assert verified(person, session)[0] == 0
    lines = dataset.path.read_bytes().splitlines()
    dataset.path.write_bytes(FOREIGN)
    code, told = verified(person, session)
    assert (code, "3 decisions are missing" in told) == (1, True), told
    assert verified(person, session, "--repair")[0] == 0
    assert sorted(dataset.path.read_bytes().splitlines()) == sorted(lines)


# --- standard output -----------------------------------------------------------------------------

PRINTING = [
    "--help",
    "export --help",
    "sessions",
    "history --session s.db",
    "history --session s.db --json",
    "report --session s.db",
    "report --session s.db --json",
    "verify --session s.db",
    "export --session s.db",
    "export --session s.db --format csv",
    "convert pairs.jsonl - --to openai --bad-rows 0.5",
]


def in_shell(person: Person, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", f"{shlex.join(PROGRAM)} {command}"],
        env=person.environment,
        cwd=person.folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("words", PRINTING)
@pytest.mark.usefixtures("session")
def test_a_full_disk_at_standard_output_is_told(person: Person, words: str) -> None:
    result = in_shell(person, f"{words} > /dev/full")
    assert result.returncode == 1
    assert "standard output" in result.stderr
    assert "fault of its own" not in result.stderr
    assert "written" not in result.stderr.replace("can't be written", "")


@pytest.mark.parametrize(
    "words", ["--help", "sessions", "history --session s.db", "export --session s.db"]
)
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.usefixtures("session")
def test_a_closed_stream_is_one_that_goes_nowhere(person: Person, words: str, closed: str) -> None:
    result = in_shell(person, f"{words} {closed}")
    assert result.returncode == 0
    assert "Traceback" not in result.stderr


def test_an_error_is_told_by_its_exit_code_where_standard_error_is_closed(person: Person) -> None:
    assert in_shell(person, "history nowhere.toml 2>&-").returncode == 2
