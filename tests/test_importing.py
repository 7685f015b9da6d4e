"""A prompts file goes into its session once, can be interrupted, and what changed is told."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from time import time

import pytest

from dpo_tui.domain.model import Message, Prompt
from dpo_tui.importing import Incoming, bring_in
from dpo_tui.prompts import read_prompts
from dpo_tui.store.info import describe
from dpo_tui.store.session import SessionStore
from tests.terminal.program import PROGRAM, Person
from tests.terminal.terminal import Terminal

ME = "ann"


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SessionStore]:
    store = SessionStore.open(tmp_path / "s.db", annotator=ME)
    yield store
    store.close()


def prompts(*names: str) -> Iterator[Prompt]:
    return (Prompt((Message("user", each),)) for each in names)


def given(fingerprint: bytes | None, *names: str) -> Incoming:
    return Incoming(lambda _: prompts(*names), fingerprint)


def quiet(_: str) -> None:
    pass


def old(path: Path) -> Path:
    """The file, as if it had been written an hour ago."""
    os.utime(path, (time() - 3600, time() - 3600))
    return path


async def test_what_is_known_is_not_read_again(store: SessionStore) -> None:
    assert bring_in(store, given(b"1", "a", "b"), quiet) == ""
    assert bring_in(store, Incoming(lambda _: (), b"1"), quiet) == ""
    assert store.progress(ME).total == 2
    assert store.needs_server()
    assert "1 new" in bring_in(store, given(None, "a", "b", "c"), quiet)
    assert bring_in(store, given(b"1", "a", "b", "c"), quiet) == ""
    assert store.progress(ME).total == 3


async def test_what_changed_is_said_and_kept(store: SessionStore) -> None:
    said: list[str] = []
    bring_in(store, given(b"1", "a", "b", "b"), said.append)
    assert said == ["prompts: 1 repeated, merged with the first"]
    news = bring_in(store, given(b"2", "b", "c"), said.append)
    assert news == "prompts: 1 new, 1 removed (decisions kept)"
    assert store.info().last_change.removed == 1
    assert bring_in(store, given(b"3", "b", "c"), said.append) == ""
    assert store.info().last_change.removed == 1


def test_an_interrupted_import_leaves_the_session_as_it_was(store: SessionStore) -> None:
    bring_in(store, given(b"1", "a"), quiet)

    def interrupted() -> Iterator[Prompt]:
        yield from prompts("b")
        signal.raise_signal(signal.SIGINT)
        yield from prompts("c")

    with pytest.raises(KeyboardInterrupt):
        bring_in(store, Incoming(lambda _: interrupted(), b"2"), quiet)
    assert store.progress(ME).total == 1
    assert store.is_imported(b"1")


def test_ctrl_c_leaves_no_half_session(person: Person) -> None:
    person.write("prompts.toml", 'loader = "mine:make"\n')
    person.write(
        "mine.py", "from itertools import count\n\ndef make():\n    yield from map(str, count())\n"
    )
    with subprocess.Popen(
        [*PROGRAM, "generate", "prompts.toml", "--allow-loader"],
        env=person.environment,
        cwd=person.folder,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stderr is not None
        assert "prompts read" in program.stderr.readline()
        program.send_signal(signal.SIGINT)
        assert "Traceback" not in program.stderr.read()
        assert program.wait() == 130
    assert list(person.home.rglob("*.db")) == []


# --- fingerprints --------------------------------------------------------------------------------


def test_a_fingerprint_follows_every_file(tmp_path: Path) -> None:
    main, more = tmp_path / "prompts.toml", tmp_path / "more.jsonl"
    main.write_text('user = "a"\ninclude = "more.jsonl"\n')
    more.write_text('{"user": "b"}\n')
    assert read_prompts(main).fingerprint(time()) is None
    before = read_prompts(old(main)).fingerprint(old(more).stat().st_mtime + 60)
    assert before is not None
    assert read_prompts(main).fingerprint(time()) == before
    more.write_text('{"user": "c"}\n')
    assert read_prompts(main).fingerprint(time() + 60) not in {None, before}


def test_a_fingerprint_follows_a_change_whose_time_was_set_back(tmp_path: Path) -> None:
    path = tmp_path / "prompts.txt"
    path.write_text("one")
    before, status = read_prompts(old(path)).fingerprint(time()), path.stat()
    path.write_text("two")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert read_prompts(path).fingerprint(time()) not in {None, before}


def test_a_loader_may_say_anything(tmp_path: Path) -> None:
    main = tmp_path / "prompts.toml"
    main.write_text('user = "a"\nloader = "mine:make"\n')
    assert read_prompts(old(main)).fingerprint(time()) is None


def test_the_program_reads_a_file_once(person: Person) -> None:
    rows = [{"user": each, "responses": ["x", "y"]} for each in "aab"]
    path = person.write("prompts.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    old(path)
    assert "1 repeated" in person.run("generate", "prompts.jsonl").stderr
    assert "1 repeated" not in person.run("generate", "prompts.jsonl").stderr
    path.write_text(path.read_text().replace('"b"', '"c"'))
    assert "1 new" in person.run("generate", "prompts.jsonl").stderr
    assert describe(person.session()).last_change.removed == 1
    listed = person.run("sessions", COLUMNS="200").stdout
    assert "(last edit: 1 new, 1 removed" in " ".join(listed.split())


def test_the_first_frame_says_what_an_edit_changed(person: Person) -> None:
    rows = [json.dumps({"user": each, "responses": ["x", f"{each} y"]}) for each in "abc"]
    person.write("prompts.jsonl", "\n".join(rows[:2]))
    with person.start("annotate", "prompts.jsonl") as terminal:
        terminal.wait_for("a y")
        terminal.press("q")
        assert terminal.wait_exit() == 0
    person.write("prompts.jsonl", "\n".join(rows[1:]))
    with person.start("annotate", "prompts.jsonl") as terminal:
        terminal.wait_for("b y")
        screen = terminal.wait_for("prompts: 1 new, ")
        assert "1 removed (decisions kept)" in screen
        terminal.press("q")
        assert terminal.wait_exit() == 0


# --- rows of other people's files ----------------------------------------------------------------

_PAIRS = [
    {"prompt": f"{name}?", "chosen": f"{name} good", "rejected": f"{name} bad", "lang": "en"}
    for name in "abc"
]


def test_what_was_recognised_is_said(person: Person) -> None:
    person.write("pairs.jsonl", "".join(f"{json.dumps(row)}\n" for row in _PAIRS))
    told = person.run("generate", "pairs.jsonl").stderr
    assert "pairs.jsonl: TRL pairs (prompt, chosen, rejected: text), 3 rows" in told
    assert "columns not used: lang" in told
    assert "preferences for 3 prompts are not used: --preferences suggest|decide" in told


def test_bad_rows_are_told_and_too_many_are_an_error(person: Person) -> None:
    rows = [*_PAIRS, {"prompt": "d?", "chosen": "x", "rejected": 3}]
    person.write("pairs.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))
    run = person.run("generate", "pairs.jsonl")
    assert run.returncode == 2
    assert "1 of 4 rows are of no use" in run.stderr
    assert "key rejected: expected text, found 3 (line 4)" in run.stderr
    assert list(person.home.rglob("*.db")) == []
    run = person.run("generate", "pairs.jsonl", "--bad-rows", "0.5")
    assert run.returncode == 0
    assert "1 left out" in run.stderr


def test_preferences_are_suggested(person: Person) -> None:
    person.write("prompts.jsonl", "".join(f"{json.dumps(row)}\n" for row in _PAIRS))
    with person.start("annotate", "prompts.jsonl", "--preferences", "suggest") as terminal:
        terminal.wait_for("a good")
        terminal.wait_for("3 preferences are")
        terminal.press("\r")
        terminal.wait_for("b good")
        terminal.press("q")
        assert terminal.wait_exit() == 0
    (row,) = person.rows()
    assert row["messages"][-1]["content"] == "a good"
    assert row["rejected_response"] == "a bad"


def test_preferences_are_decisions_of_the_file(person: Person) -> None:
    person.write("pairs.jsonl", "".join(f"{json.dumps(row)}\n" for row in _PAIRS))
    run = person.run("generate", "pairs.jsonl", "--preferences", "decide")
    assert "3 preferences are decisions of pairs.jsonl" in run.stderr
    info = describe(person.session())
    assert info.progress["pairs.jsonl"].pairs == 3
    person.run("export", "pairs.jsonl", "--format", "trl", "-o", "trl.jsonl", "--card")
    card = (person.folder / "README.md").read_text()
    assert "- 3 groups with preferences that stood in a file" in card
    assert not any(each in card for each in ("Human", "annotator", "median time"))


def test_preferences_that_would_make_unstated_pairs_are_told(person: Person) -> None:
    chain = [{"prompt": "a?", "chosen": good, "rejected": bad} for good, bad in ("xy", "yz")]
    person.write("pairs.jsonl", "".join(f"{json.dumps(row)}\n" for row in chain))
    run = person.run("generate", "pairs.jsonl", "--preferences", "decide")
    assert "1 preferences are decisions of pairs.jsonl, 1 left out: with earlier" in run.stderr
    assert describe(person.session()).progress["pairs.jsonl"].pairs == 1


def test_named_columns_and_formats(person: Person) -> None:
    person.write("a.csv", "q,x,y\na?,one,two\n")
    run = person.run("generate", "a.csv", "--columns", "prompt=q,responses=x+y")
    assert "rows with the columns that were named, 1 row" in run.stderr
    assert "--columns prompt=q,responses=x+y" in run.stderr.split("label them with:")[1]
    assert person.run("generate", "a.csv", "--from", "nothing").returncode == 2


# --- standard input ------------------------------------------------------------------------------


def test_standard_input_is_known_by_its_content(person: Person) -> None:
    content = "".join(f"{json.dumps(row)}\n" for row in _PAIRS)

    def generate(text: str) -> str:
        return subprocess.run(
            [*PROGRAM, "generate", "-"],
            env=person.environment,
            cwd=person.folder,
            input=text,
            capture_output=True,
            text=True,
            check=True,
        ).stderr

    assert "standard input: TRL pairs" in generate(content)
    assert "standard input" not in generate(content)
    session = person.session()
    generate(content + content.replace("?", "!"))
    assert len(list(person.home.rglob("*.db"))) == 2
    assert describe(session).total == 3


@pytest.mark.parametrize(
    "command", ["cat rows.jsonl | %s annotate -", "%s annotate <(gzip -c rows.jsonl)"]
)
def test_keys_come_from_the_terminal_where_prompts_were_piped(person: Person, command: str) -> None:
    person.write("rows.jsonl", "".join(f"{json.dumps(row)}\n" for row in _PAIRS))
    command = f"{command % shlex.join(PROGRAM)} --annotator ann"
    with Terminal(["bash", "-c", command], env=person.environment, cwd=person.folder) as terminal:
        terminal.wait_for("a good")
        terminal.press(" ")
        terminal.press("\r")
        terminal.wait_for("b good")
        terminal.press(" ")
        terminal.press("\r")
        terminal.wait_for("c good")
        terminal.press("s")
        terminal.wait_for("Every group is decided")
        assert "... | dpo-tui annotate -" in terminal.screen()
        (report,) = re.findall("dpo-tui (report .*)", terminal.screen())
        terminal.press("q")
        assert terminal.wait_exit() == 0
    assert describe(person.session()).progress["ann"].confirmed == 2
    assert "2 confirmed" in person.run(*report.split()).stdout


@pytest.mark.parametrize("name", ["rows.jsonl", "rows"])
def test_a_named_pipe_is_read_like_standard_input(person: Person, name: str) -> None:
    person.write("given", "".join(f"{json.dumps(row)}\n" for row in _PAIRS))
    command = f"mkfifo {name}; cat given >{name} & {shlex.join(PROGRAM)} generate {name}"
    run = subprocess.run(
        ["sh", "-c", command],
        env=person.environment,
        cwd=person.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "standard input: TRL pairs" in run.stderr
    assert describe(person.session()).total == 3


@pytest.mark.parametrize("ending", ["", ".jsonl", ".toml"])
def test_what_is_no_file_is_refused(person: Person, ending: str) -> None:
    path = person.folder / f"it{ending}"
    path.symlink_to("/dev/zero")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(person.folder / f"socket{ending}"))
    for name in (path.name, f"socket{ending}"):
        run = person.run("generate", name)
        assert run.returncode == 2
        assert f"{name}: this is not a file" in run.stderr
    listener.close()


def test_a_pipe_that_is_included_is_refused(person: Person) -> None:
    os.mkfifo(person.folder / "more.jsonl")
    person.write("prompts.toml", 'include = ["more.jsonl"]')
    run = person.run("generate", "prompts.toml")
    assert run.returncode == 2
    assert "more.jsonl: this is not a file (included by prompts.toml)" in run.stderr


def test_a_moved_prompts_file_is_told_which_session_it_had(person: Person) -> None:
    person.write("prompts.toml", '[[prompt]]\nuser = "one"\nresponses = ["yes", "no"]\n')
    with person.annotate() as terminal:
        terminal.wait_for(" 1/1 ")
        terminal.press("s")
        terminal.wait_for("Every group is decided")
        terminal.press("q")
        assert terminal.wait_exit() == 0
    name = person.session().stem

    def said(*words: str) -> str:
        return person.run("generate", *words, COLUMNS="400").stderr

    assert "these prompts" not in said("prompts.toml", "--fresh")
    (person.folder / "prompts.toml").rename(person.folder / "moved.toml")
    command = f"dpo-tui annotate moved.toml --session {name}"
    told = f"these prompts have a session with 1 decided, of {person.folder}"
    for _ in range(2):
        assert f"{told}/prompts.toml: {command}\n" in said("moved.toml")
    assert told not in said("moved.toml", "--session", name)
    assert f"{told}/moved.toml: {command}\n" in said("moved.toml")
