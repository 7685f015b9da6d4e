"""A prompts file runs no code that the person has not allowed."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from tests.terminal.program import Person

CODE = "from pathlib import Path\nPath('ran').touch()\n\ndef make():\n    yield {row}\n"
ROW = {"user": "a", "responses": ["x", "y"]}


@pytest.fixture
def person(tmp_path: Path) -> Person:
    made = Person(tmp_path)
    made.write("prompts.toml", 'loader = "mine:make"\n')
    made.write("mine.py", CODE.format(row=ROW))
    return made


def test_it_runs_only_once_it_is_allowed(person: Person) -> None:
    refused = person.run("generate", "prompts.toml")
    assert refused.returncode == 2
    assert str(person.folder / "mine.py") in refused.stderr
    assert "--allow-loader" in refused.stderr
    assert not (person.folder / "ran").exists()
    assert person.run("generate", "prompts.toml", "--allow-loader").returncode == 0
    assert (person.folder / "ran").exists()
    assert person.run("generate", "prompts.toml").returncode == 0


def test_another_file_in_its_place_is_not_trusted(person: Person) -> None:
    assert person.run("generate", "prompts.toml", "--allow-loader").returncode == 0
    (person.folder / "ran").unlink()
    person.write("mine.py", CODE.format(row=ROW) + "# more\n")
    refused = person.run("generate", "prompts.toml")
    assert refused.returncode == 2
    assert "has changed" in refused.stderr
    assert not (person.folder / "ran").exists()


def test_a_loader_of_an_included_file_asks_too(person: Person) -> None:
    person.write("main.toml", 'include = "prompts.toml"\n')
    assert person.run("generate", "main.toml").returncode == 2
    assert not (person.folder / "ran").exists()


def test_what_is_installed_asks_too(person: Person) -> None:
    person.write("prompts.toml", 'loader = "json.tool:main"\n')
    refused = person.run("generate", "prompts.toml")
    assert refused.returncode == 2
    assert "json/__init__.py" in refused.stderr


def test_trust_is_private_and_a_spoiled_file_of_it_trusts_nothing(person: Person) -> None:
    assert person.run("generate", "prompts.toml", "--allow-loader").returncode == 0
    (kept,) = person.home.rglob("trusted.json")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert json.loads(kept.read_text()).keys() == {str(person.folder / "mine.py")}
    kept.write_text("[1, 2")
    assert person.run("generate", "prompts.toml").returncode == 2
