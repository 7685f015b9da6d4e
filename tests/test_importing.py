"""A prompts file goes into its session once, can be interrupted, and what changed is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from time import time

import pytest

from dpo_tui.domain.model import Message, Prompt
from dpo_tui.importing import bring_in
from dpo_tui.prompts import read_prompts
from dpo_tui.store.info import describe
from dpo_tui.store.session import SessionStore
from tests.terminal.program import PROGRAM, Person

ME = "ann"
NEVER: tuple[Prompt, ...] = ()


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


def quiet(_: str) -> None:
    pass


def old(path: Path) -> Path:
    """The file, as if it had been written an hour ago."""
    os.utime(path, (time() - 3600, time() - 3600))
    return path


async def test_what_is_known_is_not_read_again(store: SessionStore) -> None:
    assert bring_in(store, prompts("a", "b"), b"1", quiet) == ""
    assert bring_in(store, NEVER, b"1", quiet) == ""
    assert store.progress(ME).total == 2
    assert store.needs_server()
    assert "1 new" in bring_in(store, prompts("a", "b", "c"), None, quiet)
    assert bring_in(store, prompts("a", "b", "c"), b"1", quiet) == ""
    assert store.progress(ME).total == 3


async def test_what_changed_is_said_and_kept(store: SessionStore) -> None:
    said: list[str] = []
    bring_in(store, prompts("a", "b", "b"), b"1", said.append)
    assert said == ["prompts: 1 repeated, merged with the first"]
    news = bring_in(store, prompts("b", "c"), b"2", said.append)
    assert news == "prompts: 1 new, 1 removed (decisions kept)"
    assert store.info().last_change.removed == 1
    assert bring_in(store, prompts("b", "c"), b"3", said.append) == ""
    assert store.info().last_change.removed == 1


def test_an_interrupted_import_leaves_the_session_as_it_was(store: SessionStore) -> None:
    bring_in(store, prompts("a"), b"1", quiet)

    def interrupted() -> Iterator[Prompt]:
        yield from prompts("b")
        signal.raise_signal(signal.SIGINT)
        yield from prompts("c")

    with pytest.raises(KeyboardInterrupt):
        bring_in(store, interrupted(), b"2", quiet)
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


def test_a_loader_may_say_anything(tmp_path: Path) -> None:
    main = tmp_path / "prompts.toml"
    main.write_text('user = "a"\nloader = "mine:make"\n')
    assert read_prompts(old(main)).fingerprint(time()) is None


def test_the_program_reads_a_file_once(person: Person) -> None:
    rows = [{"user": each, "responses": ["x", "y"]} for each in "ab"]
    path = person.write("prompts.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    stamp = time() - 3600
    os.utime(path, (stamp, stamp))
    assert person.run("generate", "prompts.jsonl").returncode == 0
    # The same size and time: as far as can be seen, the same file.
    path.write_text(path.read_text().replace('"b"', '"c"'))
    os.utime(path, (stamp, stamp))
    assert person.run("generate", "prompts.jsonl").stderr.count("new") == 0
    os.utime(path)
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
