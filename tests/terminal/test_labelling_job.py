"""The whole job in a real terminal, with the real embedded model."""

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from dpo_tui.domain.model import Mark, Verdict
from tests.terminal.program import (
    Child,
    Person,
    are_ready,
    assert_restored,
    cards,
    expected_rows,
)
from tests.terminal.terminal import Terminal

QUESTIONS = ("What is a volcano?", "Why do we sleep?", "Name a 日本 city.", "Say hello.")


@pytest.fixture
def person(tmp_path: Path) -> Person:
    person = Person(tmp_path)
    person.prompts(*QUESTIONS)
    return person


def at_group(terminal: Terminal, position: int) -> None:
    terminal.wait_for(f" {position}/{len(QUESTIONS)} ")


def mark(terminal: Terminal, keys: str, wanted: str) -> str:
    """When the responses have ended, press keys and wait until the marks are there."""
    terminal.wait_for(lambda screen: are_ready(screen, "○○○"))
    terminal.press(*keys)
    return terminal.wait_for(lambda screen: are_ready(screen, wanted))


def test_choose_confirm_skip_undo_regenerate_and_leave(person: Person) -> None:
    with person.annotate_locally() as terminal:
        at_group(terminal, 1)
        server = Child(terminal.pid)
        mark(terminal, " ", "✔○○")
        terminal.press("enter")
        at_group(terminal, 2)
        terminal.press("s")
        at_group(terminal, 3)
        terminal.press("u")
        at_group(terminal, 2)
        mark(terminal, "2jjx", "○✔✖")
        terminal.press("enter")
        at_group(terminal, 3)
        first_set = cards(mark(terminal, "3", "○○✔"))
        terminal.press("r")
        terminal.wait_for(lambda screen: are_ready(screen, "○○○") and cards(screen) != first_set)
        mark(terminal, "j ", "○✔○")
        terminal.press("enter")
        at_group(terminal, 4)
        terminal.press("s")
        terminal.wait_for("Every group is decided")
        terminal.press("q")
        assert terminal.wait_exit() == 0
        assert_restored(terminal)
        assert "3 confirmed, 1 skipped, 0 left" in terminal.screen()
        server.wait_exit()

    groups = person.groups()
    decisions = [group.decision for group in groups if group.decision]
    assert [each.verdict for each in decisions] == [*[Verdict.CONFIRMED] * 3, Verdict.SKIPPED]
    chosen, excluded, rejected = Mark.CHOSEN, Mark.EXCLUDED, Mark.REJECTED
    assert [list(each.marks.values()) for each in decisions] == [
        [chosen, rejected, rejected],
        [rejected, chosen, excluded],
        [rejected, chosen, rejected],
        [],
    ]
    assert [each.set_no for each in decisions] == [1, 1, 2, 1]
    rows = person.rows()
    assert rows == expected_rows(groups)
    assert len(rows) == sum(each.pair_count for each in decisions) > 0


def test_after_kill_9_the_same_group_shows_the_same_marks(person: Person) -> None:
    with person.annotate_locally() as terminal:
        at_group(terminal, 1)
        server = Child(terminal.pid)
        mark(terminal, "3", "○○✔")
        terminal.press("enter")
        at_group(terminal, 2)
        shown = cards(mark(terminal, "1jx", "✔✖○"))
        terminal.kill(signal.SIGKILL)
        assert terminal.wait_exit() == -signal.SIGKILL
        server.wait_exit()

    with person.annotate_locally() as terminal:
        at_group(terminal, 2)
        terminal.wait_for(lambda screen: cards(screen) == shown)
        assert len(person.rows()) == 2, "the start writes what the file had no time for"
        terminal.press("enter")
        at_group(terminal, 3)
        terminal.press("q")
        assert terminal.wait_exit() == 0

    groups = person.groups()
    assert groups[1].decision
    assert list(groups[1].decision.marks.values()) == [Mark.CHOSEN, Mark.EXCLUDED, Mark.REJECTED]
    assert person.rows() == expected_rows(groups)
    with closing(sqlite3.connect(person.session())) as session:
        twice = "SELECT 1 FROM responses GROUP BY group_id, set_no, slot HAVING count(*) > 1"
        assert session.execute(twice).fetchall() == []
