"""`report`: the real program on a session that was worked on."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from dpo_tui.domain.model import Decision, Mark, Message, Prompt, Ready, Verdict
from dpo_tui.store.session import SessionStore
from tests.terminal.program import ANNOTATOR, PROGRAM, Person

EVIL = "evil\x1b[31m"


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path)


@pytest.fixture
def session(person: Person) -> Path:
    """Six groups, five of them decided, with responses of two models."""
    path = person.folder / "s.db"
    store = SessionStore.open(path, annotator=ANNOTATOR)
    store.import_prompts(
        Prompt(
            (Message("user", f"prompt {number}"),),
            responses=(Ready("short", "small"), Ready("a longer one", EVIL)),
        )
        for number in range(6)
    )
    store.remember(prompts_path=person.folder / "prompts.toml")
    for group_id in range(1, 5):
        marks = {2 * group_id - 1: Mark.REJECTED, 2 * group_id: Mark.CHOSEN}
        store.decide(
            Decision(group_id, ANNOTATOR, Verdict.CONFIRMED, 1, marks, tuple(marks), 1, 1e9, 30.0),
            None,
        )
    store.decide(Decision(5, ANNOTATOR, Verdict.SKIPPED, 1, {}, (), 0, 1e9, 10.0), None)
    store.close()
    return path


def test_a_report_for_people(person: Person, session: Path) -> None:
    result = person.run("report", "--session", str(session), COLUMNS="80")
    assert (result.returncode, result.stderr) == (0, "")
    text = " ".join(result.stdout.split())
    for words in (
        "prompts.toml",
        "ann 5 of 6 groups: 4 confirmed, 1 skipped, 1 left",
        "pairs 4",
        "30s a group (median) · 2m 10s in all · about 30s for what is left",
        "1 in 4 groups",
        "first card chosen 0%",
        "longer one chosen 100%",
        "evil␛[31m 4 0 0 100% (51% to 100%)",
        "small 0 4 0 0% (0% to 49%)",
        f"dpo-tui export --session {session} -o pairs.jsonl",
        f"dpo-tui history --session {session}",
    ):
        assert words in text, words
    assert f"prompts.toml --session {session}" in text
    assert "\x1b" not in result.stdout


def test_the_commands_that_it_names_work(person: Person, session: Path) -> None:
    said = person.run("report", "--session", str(session), "--annotator", ANNOTATOR).stdout
    commands = [line.split()[1:] for line in said.splitlines() if "  dpo-tui " in line]
    assert [command[0] for command in commands] == ["annotate", "export", "history"]
    for command in commands[1:]:
        result = person.run(*command)
        assert result.returncode == 0, result
    assert len((person.folder / "pairs.jsonl").read_text().splitlines()) == 4


def test_a_report_for_machines(person: Person, session: Path) -> None:
    result = person.run("report", "--session", str(session), "--json")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.isascii()
    report = json.loads(result.stdout)
    assert report["seconds"] == {"median": 30.0, "total": 130.0, "left": 30.0}
    assert {each["name"]: each["chosen"] for each in report["sources"]} == {EVIL: 4, "small": 0}


def test_a_report_of_the_prompts_file(person: Person) -> None:
    person.write("prompts.jsonl", '{"user": "one", "responses": ["a", "b"]}\n')
    with person.start("annotate", "prompts.jsonl") as terminal:
        terminal.wait_for("unmarked")
        terminal.press("1")
        terminal.wait_for("✔ chosen")
        terminal.press("enter")
        terminal.wait_for("Every group is decided")
        terminal.press("q")
        assert terminal.wait_exit() == 0
    result = person.run("report", "prompts.jsonl")
    assert (result.returncode, result.stderr) == (0, "")
    assert "1 of 1 groups: 1 confirmed, 0 skipped, 0 left" in result.stdout
    assert "dpo-tui annotate" not in result.stdout
    assert "dpo-tui export prompts.jsonl -o pairs.jsonl" in result.stdout


def test_a_report_of_what_was_piped(person: Person) -> None:
    subprocess.run(
        [*PROGRAM, "generate", "-"],
        input=b'{"user": "one", "responses": ["a", "b"]}\n',
        env=person.environment,
        cwd=person.folder,
        check=True,
    )
    (session,) = person.home.rglob("*.db")
    result = person.run("report", session.stem)
    assert f"  ... | dpo-tui annotate - --session {session.stem}\n" in result.stdout


def test_what_is_wrong_is_told(person: Person, session: Path) -> None:
    for arguments, words in (
        (["report"], "which session?"),
        (["report", "none.toml"], "there is no session of none.toml yet"),
        (["report", "--session", str(session), "--annotator", "eve"], "Those who have: ann."),
    ):
        result = person.run(*arguments)
        assert (result.returncode, result.stdout) == (2, "")
        assert words in result.stderr
