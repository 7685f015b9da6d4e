"""The dataset file in the hands of others: whose lines are whose, and what is said of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.terminal.program import Person

WORDS = ("annotate", "prompts.jsonl", "--no-shuffle")
DATASET = "prompts.dpo.jsonl"


@pytest.fixture
def person(tmp_path: Path) -> Person:
    person = Person(tmp_path)
    rows = ({"user": text, "responses": ["good", "bad", "worse"]} for text in ("first", "second"))
    person.write("prompts.jsonl", "\n".join(map(json.dumps, rows)))
    return person


def decide_first(person: Person, *keys: str, more: tuple[str, ...] = ()) -> None:
    with person.start(*WORDS, *more) as terminal:
        terminal.wait_for(" 1/2 ")
        terminal.press("1", "enter")
        terminal.wait_for("group 1 confirmed: 2 pairs")
        terminal.press(*keys, "q")
        assert terminal.wait_exit() == 0


def test_an_undo_leaves_the_same_words_of_a_session_before(person: Person) -> None:
    decide_first(person)
    before = person.rows()
    assert len(before) == 2
    decide_first(person, more=("--fresh",))
    assert person.rows() == before * 2
    with person.start(*WORDS) as terminal:
        terminal.wait_for(" 2/2 ")
        terminal.press("u")
        terminal.wait_for("group 1 is open again")
        terminal.press("q")
        assert terminal.wait_exit() == 0
    assert person.rows() == before


def test_lines_that_others_put_otherwise_are_written_once_and_told(person: Person) -> None:
    decide_first(person)
    path = person.folder / DATASET
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"\n", b"\r\n"))
    assert person.run("verify", "prompts.jsonl").returncode == 1
    with person.start(*WORDS, cols=100) as terminal:
        terminal.wait_for("others changed the dataset: the pairs of 1 decision are back in it")
        terminal.press("q")
        assert terminal.wait_exit() == 0
    assert path.read_bytes() == whole
    assert person.run("verify", "prompts.jsonl").returncode == 0
