"""Whatever the program makes is for its user alone, also where the umask hides nothing."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from tests.terminal.program import PROGRAM, Person
from tests.terminal.terminal import PATIENCE
from tests.waiting import wait_until

ROWS = [{"user": each, "responses": [f"{each} 1", f"{each} 2"]} for each in "ab"]


@pytest.fixture
def person(tmp_path: Path) -> Person:
    made = Person(tmp_path)
    made.write("prompts.jsonl", "".join(json.dumps(row) + "\n" for row in ROWS))
    made.write("loaded.toml", 'loader = "mine:make"\n')
    made.write("mine.py", f"def make():\n    yield {ROWS[0]}\n")
    return made


def run_openly(person: Person, *arguments: str) -> None:
    subprocess.run(
        [*PROGRAM, *arguments],
        env=person.environment,
        cwd=person.folder,
        umask=0,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
        check=True,
    )


def made_openly(person: Person, given: set[Path]) -> dict[str, int]:
    """The permissions that others have on what was made."""
    made = {*person.home.rglob("*"), *person.folder.rglob("*")} - given
    return {
        each.name: stat.S_IMODE(each.stat().st_mode) & 0o077
        for each in made
        if each.suffix != ".pyc" and each.name != "__pycache__"
    }


def test_every_file_is_private_under_an_open_umask(person: Person) -> None:
    given = {*person.home.rglob("*"), *person.folder.rglob("*")}
    run_openly(person, "generate", "prompts.jsonl")
    run_openly(person, "generate", "loaded.toml", "--allow-loader")
    run_openly(person, "init", "new.toml", "--config")
    run_openly(person, "backup", "copy.db", "prompts.jsonl")
    run_openly(person, "verify", "prompts.jsonl", "--repair")
    rights = made_openly(person, given)
    assert {"copy.db", "trusted.json", "config.toml", "dpo-tui", "sessions"} <= rights.keys()
    assert rights.pop("new.toml") == 0o066  # the person's own, as any editor would make it
    assert {name: each for name, each in rights.items() if each} == {}


def test_labelling_makes_private_files_only(person: Person) -> None:
    given = {*person.home.rglob("*"), *person.folder.rglob("*")}
    before = os.umask(0)
    try:
        with person.start("annotate", "prompts.jsonl") as terminal:
            terminal.wait_for("a 2")
            terminal.press(" ", "\r")
            terminal.wait_for("group 1 confirmed")
            wait_until((person.folder / "prompts.dpo.jsonl").exists)  # it follows the screen
            rights = made_openly(person, given)
            terminal.press("q")
            assert terminal.wait_exit() == 0
    finally:
        os.umask(before)
    assert "prompts.dpo.jsonl" in rights
    assert {name: each for name, each in rights.items() if each} == {}


def test_a_session_with_two_names_is_refused(person: Person) -> None:
    run_openly(person, "generate", "prompts.jsonl")
    session = person.session()
    os.link(session, session.with_name("other.db"))
    before = session.read_bytes()
    result = person.run("generate", "prompts.jsonl")
    assert result.returncode == 1
    assert "hard link" in result.stderr
    assert session.read_bytes() == before
