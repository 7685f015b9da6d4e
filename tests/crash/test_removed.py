"""The session file is taken away while somebody labels or generates: told, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from dpo_tui.domain.model import Verdict
from tests.servers import replies
from tests.servers.wire import ChatServer, Exchange
from tests.terminal.program import ANNOTATOR, Person, are_ready, expected_rows, serving
from tests.terminal.terminal import Terminal
from tests.waiting import wait_until


@pytest.fixture
def person(tmp_path: Path, server: str) -> Person:
    person = Person(tmp_path, server=server)
    person.prompts("one", "two", "three")
    return person


def says(*words: str) -> Callable[[str], bool]:
    """Whether the screen says all of this, wherever its lines break."""
    return lambda screen: all(each in " ".join(screen.split()) for each in words)


def remove_all(session: Path) -> None:
    for each in session.parent.iterdir():
        each.unlink()


def remove_log(session: Path) -> None:
    session.with_name(f"{session.name}-wal").unlink()


def rename(session: Path) -> None:
    session.rename(session.with_name("old"))


def confirm_first(terminal: Terminal) -> None:
    terminal.wait_for(" 1/3 ")
    terminal.press("1", "enter")
    terminal.wait_for(lambda screen: " 2/3 " in screen and are_ready(screen, "○○○"))


@pytest.mark.parametrize("take_away", [Path.unlink, remove_all, remove_log, rename])
def test_a_decision_is_made_once_the_file_is_back(
    person: Person, take_away: Callable[[Path], None]
) -> None:
    with person.annotate(cols=120, rows=36) as terminal:
        confirm_first(terminal)
        wait_until(lambda: len(person.rows()) == 2)  # else it is noticed there first
        terminal.press("2")
        terminal.wait_for(lambda screen: are_ready(screen, "○✔○"))
        take_away(person.session())
        terminal.press("enter")
        screen = terminal.wait_for(says("not confirmed", "It is back in its place"))
        assert " 2/3 " in screen
        assert are_ready(screen, "○✔○")
        terminal.press("enter")
        terminal.wait_for(" 3/3 ")
        terminal.press("q")
        assert terminal.wait_exit() == 0
    with person.annotate(cols=120, rows=36) as terminal:
        terminal.wait_for(lambda screen: " 3/3 " in screen and "2 confirmed" in screen)
        terminal.press("q")
        assert terminal.wait_exit() == 0
    assert len(person.rows()) == 4
    assert person.rows() == expected_rows(person.groups())


def test_a_file_that_is_taken_away_before_the_end_is_there_afterwards(person: Person) -> None:
    with person.annotate(cols=120, rows=36) as terminal:
        confirm_first(terminal)
        remove_all(person.session())
        terminal.press("q")
        assert terminal.wait_exit() == 0
    decided = [group.decision and group.decision.verdict for group in person.groups()]
    assert decided == [Verdict.CONFIRMED, None, None]


def test_what_was_decided_is_kept_beside_a_file_that_took_its_place(person: Person) -> None:
    person.run("generate", "prompts.toml", "-n", "3", "--annotator", ANNOTATOR)
    session = person.session()
    other = session.with_name("other")
    other.write_bytes(session.read_bytes())
    with person.annotate(cols=120, rows=36) as terminal:
        confirm_first(terminal)
        other.replace(session)
        terminal.press("s")
        terminal.wait_for(says("not skipped", "another file was put in its place"))
        terminal.press("q")
        assert terminal.wait_exit() == 1
        assert says("all that was saved here is kept as")(terminal.screen())
    (kept,) = session.parent.glob("*.kept-*.db")
    kept.replace(session)
    decided = [group.decision and group.decision.verdict for group in person.groups()]
    assert decided == [Verdict.CONFIRMED, None, None]
    assert person.rows() == expected_rows(person.groups())


def test_generate_puts_the_file_back(tmp_path: Path) -> None:
    may_answer = Event()

    async def reply(exchange: Exchange) -> None:
        await asyncio.to_thread(may_answer.wait)
        await replies.completion("yes", "no", "perhaps")(exchange)

    with serving(ChatServer(reply)) as server:
        person = Person(tmp_path / "person", server=server.url)
        person.prompts("one", "two")
        words = ("generate", "prompts.toml", "-n", "3", "--annotator", ANNOTATOR)
        with person.start(*words, cols=120) as terminal:
            terminal.wait_for(lambda _: len(server.requests) == 2)
            remove_all(person.session())
            may_answer.set()
            terminal.wait_for(says("It is back in its place"))
            assert terminal.wait_exit() == 0
        assert len(server.requests) == 2
    assert [len(group.responses) for group in person.groups()] == [3, 3]
