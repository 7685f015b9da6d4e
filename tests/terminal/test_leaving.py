"""Every way to leave: the terminal as it was, the exit code right, what was decided kept."""

import os
import select
import shlex
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from tests.servers.process import persona_process
from tests.terminal.program import (
    Child,
    Person,
    assert_restored,
    choose_first,
    expected_rows,
)
from tests.terminal.terminal import Terminal


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with persona_process("echo", token_delay=0.01) as url:
        yield url


def decide_first(terminal: Terminal) -> None:
    """Confirm the first group; the next ones are being generated then."""
    choose_first(terminal)
    terminal.press("enter")
    terminal.wait_for(lambda screen: " 2/3 " in screen and " 1 confirmed" in screen)


def assert_kept(person: Person) -> None:
    assert [len(person.rows()), person.rows()] == [2, expected_rows(person.groups())]


def press(*keys: str) -> Callable[[Terminal], None]:
    return lambda terminal: terminal.press(*keys)


def send(number: signal.Signals) -> Callable[[Terminal], None]:
    return lambda terminal: terminal.kill(number)


@pytest.mark.parametrize(
    ("leave", "code"),
    [
        pytest.param(press("q"), 0, id="q"),
        pytest.param(press("ctrl+c"), 0, id="ctrl-c"),
        pytest.param(press("?", "ctrl+c"), 0, id="ctrl-c on the help page"),
        pytest.param(send(signal.SIGTERM), 143, id="SIGTERM"),
        pytest.param(send(signal.SIGHUP), 129, id="SIGHUP"),
        pytest.param(send(signal.SIGINT), 130, id="SIGINT"),
    ],
)
def test_leaving(person: Person, leave: Callable[[Terminal], None], code: int) -> None:
    with person.annotate() as terminal:
        decide_first(terminal)
        leave(terminal)
        assert terminal.wait_exit() == code
        assert_restored(terminal)
        assert "1 confirmed, 0 skipped, 2 left, 2 pairs" in terminal.screen()
    assert_kept(person)


def test_a_signal_at_the_very_start(person: Person) -> None:
    with person.annotate() as terminal:
        terminal.wait_for(lambda _: b"\x1b[?1049h" in terminal.raw)
        terminal.kill(signal.SIGTERM)
        assert terminal.wait_exit() == 143
        assert_restored(terminal)


def test_a_lost_link_takes_the_embedded_server_along(person: Person) -> None:
    with person.annotate_locally() as terminal:
        decide_first(terminal)
        server = Child(terminal.pid)
        terminal.close_pty()
        assert terminal.wait_exit() == 129
        server.wait_exit()
    assert_kept(person)


def test_ctrl_c_while_the_embedded_server_loads(person: Person) -> None:
    with person.annotate("--local") as terminal:
        terminal.wait_for("Loading")
        server = Child(terminal.pid)
        terminal.press("ctrl+c")
        assert terminal.wait_exit() == 130
        server.wait_exit()
        assert "Traceback" not in terminal.screen()


def test_a_terminal_that_stops_reading_holds_nothing_up(person: Person) -> None:
    with person.annotate_locally() as terminal:
        decide_first(terminal)
        server = Child(terminal.pid)
        terminal.press(*"?" * 10)  # each page is painted, and more than enough in all
        other_end = os.open(f"/proc/{terminal.pid}/fd/2", os.O_WRONLY | os.O_NOCTTY)
        while select.select([], [other_end], [], 0.05)[1]:
            terminal.press("?")
        os.close(other_end)
        terminal.kill(signal.SIGTERM)
        os.waitid(os.P_PID, terminal.pid, os.WEXITED | os.WNOWAIT)
        server.wait_exit()
        assert terminal.wait_exit() == 143
        assert_restored(terminal)
        assert "1 confirmed" not in terminal.screen()
    assert_kept(person)


def test_a_crash_is_told_and_loses_nothing(person: Person) -> None:
    with person.annotate("--ahead", "0") as terminal:
        decide_first(terminal)
        with closing(sqlite3.connect(person.session())) as session, session:
            # What no version of the program writes: nobody foresaw it.
            session.execute(
                "UPDATE groups SET messages = ? WHERE position > 1", (b'[["user", 5]]',)
            )
        terminal.press("s")
        assert terminal.wait_exit() == 1
        assert_restored(terminal)
        said = terminal.screen()
        assert "stopped by a fault of its own" in said
        assert "1 confirmed" in said
        assert "Traceback" not in said
    assert len(person.rows()) == 2
    (report,) = person.home.rglob("crash.txt")
    assert "Traceback" in report.read_text()
    assert report.stat().st_mode & 0o077 == 0


def test_who_leaves_comes_back_to_the_same_session_where_somebody_started_over(
    person: Person,
) -> None:
    with person.annotate() as terminal:
        decide_first(terminal)
        for is_fresh in (True, False):
            with person.annotate(*["--fresh"] * is_fresh) as fresh:
                fresh.wait_for(lambda screen: " 1/3 " in screen and " 0 confirmed" in screen)
                fresh.press("q")
                assert fresh.wait_exit() == 0
                assert "--session" not in fresh.screen()
        terminal.press("q")
        assert terminal.wait_exit() == 0
        command = terminal.raw.decode().rpartition("go on ")[2].splitlines()[0]
    with person.start(*shlex.split(command)[1:]) as terminal:
        terminal.wait_for(lambda screen: " 2/3 " in screen and " 1 confirmed" in screen)
        terminal.press("q")
        assert terminal.wait_exit() == 0
