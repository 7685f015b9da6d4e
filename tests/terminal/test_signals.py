"""Signals and links that come and go while somebody labels."""

from __future__ import annotations

import fcntl
import os
import shlex
import signal
import sys
import termios
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.process import persona_process
from tests.terminal.program import (
    PROGRAM,
    Child,
    Person,
    are_ready,
    assert_restored,
    choose_first,
    expected_rows,
)
from tests.terminal.terminal import Terminal

LABEL = ("annotate", "prompts.toml", "-n", "3", "--annotator", "ann")
BASH = ("bash", "--norc", "--noprofile", "-i")
# As `nohup` and `setsid` do: no hang-up comes, but the terminal goes.
UNHEARD = """
import os, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_IGN)
if os.fork():
    os.wait()
else:
    os.setsid()
    os.execvp(sys.argv[1], sys.argv[1:])
"""
# The window changes once more while the program asks for its size.
CHANGES_AGAIN = """
import os, sys, termios
from dpo_tui.cli import main

ask = os.get_terminal_size

def ask_and_change(*stream):
    size = ask(*stream)
    if size.columns == 40:
        termios.tcsetwinsize(0, (24, 80))
    return size

os.get_terminal_size = ask_and_change
sys.exit(main(sys.argv[1:]))
"""
SLOW_LOADER = """
import signal, sys

def make():
    for number in range(1000):
        yield f"prompt {number}"
    print("half of them", file=sys.stderr, flush=True)
    signal.pause()
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with persona_process("echo") as url:
        yield url


def confirm(terminal: Terminal) -> None:
    terminal.press("enter")
    terminal.wait_for("group 1 confirmed")


def wait_until_read(terminal: Terminal) -> None:
    """Wait until the program has taken in all that was typed."""
    keyboard = os.open(f"/proc/{terminal.pid}/fd/0", os.O_RDONLY | os.O_NOCTTY)
    while fcntl.ioctl(keyboard, termios.FIONREAD, b"\0" * 4) != b"\0" * 4:
        os.sched_yield()
    os.close(keyboard)


def is_at_the_prompt(screen: str) -> bool:
    return screen.rstrip().endswith("ready>")


def leave(terminal: Terminal, person: Person) -> None:
    terminal.press("q")
    assert terminal.wait_exit() == 0
    assert_restored(terminal)
    assert len(person.rows()) == 2
    assert person.rows() == expected_rows(person.groups())


def test_a_stop_and_going_on(person: Person) -> None:
    with person.annotate() as terminal:
        choose_first(terminal)
        painted = len(terminal.raw)
        terminal.kill(signal.SIGTSTP)
        _, status = os.waitpid(terminal.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        terminal.kill(signal.SIGCONT)
        terminal.wait_for(lambda _: len(terminal.raw) > painted + 1000)
        terminal.press("2")
        terminal.wait_for(lambda screen: are_ready(screen, "✔✔○"))
        terminal.press("2")
        terminal.wait_for(lambda screen: are_ready(screen, "✔○○"))
        confirm(terminal)
        leave(terminal, person)


def test_a_stop_that_nobody_hears_of(person: Person) -> None:
    """The shell takes the terminal back, and sets it up for itself."""
    with person.annotate() as terminal:
        choose_first(terminal)
        with Path(f"/proc/{terminal.pid}/fd/0").open("rb") as keyboard:
            settings = termios.tcgetattr(keyboard)
            terminal.kill(signal.SIGSTOP)
            os.waitpid(terminal.pid, os.WUNTRACED)
            tty.setcbreak(keyboard.fileno())
            painted = len(terminal.raw)
            terminal.kill(signal.SIGCONT)
            terminal.wait_for(lambda _: len(terminal.raw) > painted + 1000)
            assert termios.tcgetattr(keyboard) == settings
        for _ in range(3):  # all keys come to the one who reads them
            terminal.press("2")
            terminal.wait_for(lambda screen: are_ready(screen, "✔✔○"))
            terminal.press("2")
            terminal.wait_for(lambda screen: are_ready(screen, "✔○○"))
        confirm(terminal)
        leave(terminal, person)


@pytest.mark.parametrize("wrapped", ["{}", "sh -c '{}; true'"], ids=["alone", "in a script"])
def test_the_way_to_the_shell_and_back(person: Person, wrapped: str) -> None:
    with Terminal(BASH, env=person.environment | {"PS1": "ready> "}, cwd=person.folder) as terminal:
        terminal.wait_for(is_at_the_prompt)
        terminal.send(f"{wrapped.format(shlex.join([*PROGRAM, *LABEL]))}\r")
        choose_first(terminal)
        terminal.press("ctrl+z")
        terminal.wait_for(is_at_the_prompt)
        for lead_back in ("fg\r", "bg; sleep 1; jobs; fg\r"):
            terminal.send(lead_back)
            terminal.wait_for(lambda screen: are_ready(screen, "✔○○"))
            terminal.press("ctrl+z")
            terminal.wait_for(is_at_the_prompt)
        assert "Running" in terminal.screen()
        terminal.send("fg\r")
        terminal.wait_for(lambda screen: are_ready(screen, "✔○○"))
        confirm(terminal)
        terminal.press("q")
        terminal.wait_for("1 confirmed, 0 skipped, 2 left, 2 pairs")
        terminal.send("exit\r")
        assert terminal.wait_exit() == 0
        assert_restored(terminal)
    assert person.rows() == expected_rows(person.groups())


def test_an_end_in_the_background(person: Person) -> None:
    with Terminal(BASH, env=person.environment | {"PS1": "ready> "}, cwd=person.folder) as terminal:
        terminal.wait_for(is_at_the_prompt)
        terminal.send(f"{shlex.join([*PROGRAM, *LABEL])}\r")
        choose_first(terminal)
        confirm(terminal)
        terminal.press("ctrl+z")
        terminal.wait_for(is_at_the_prompt)
        program = Child(terminal.pid)
        terminal.send("kill %1\r")
        terminal.wait_for("1 confirmed, 0 skipped, 2 left, 2 pairs")
        program.wait_exit()
        terminal.send("jobs\r")
        terminal.wait_for("Exit 143")
        terminal.send("exit\r")
        terminal.wait_exit()
        assert_restored(terminal)
    assert person.rows() == expected_rows(person.groups())


def test_no_shell_to_go_to_is_told(person: Person) -> None:
    with person.annotate() as terminal:
        choose_first(terminal)
        terminal.press("ctrl+z")
        terminal.wait_for("There is no shell")
        terminal.wait_for(lambda screen: are_ready(screen, "✔○○"))
        confirm(terminal)
        leave(terminal, person)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGHUP])
def test_an_end_that_wakes_it_too(person: Person, end: signal.Signals) -> None:
    """As shells and systemd do it, in case that it was stopped."""
    with person.annotate() as terminal:
        choose_first(terminal)
        confirm(terminal)
        for number in (signal.SIGCONT, end, signal.SIGCONT):
            terminal.kill(number)
        assert terminal.wait_exit() == 128 + end
        assert_restored(terminal)
    assert len(person.rows()) == 2


def test_a_storm_of_sizes(person: Person) -> None:
    with person.annotate() as terminal:
        choose_first(terminal)
        for number in range(200):
            terminal.resize(20 + number % 120, 3 + number % 50)
        terminal.resize(80, 24)
        terminal.wait_for(lambda screen: are_ready(screen, "✔○○"))
        confirm(terminal)
        leave(terminal, person)


def test_a_size_that_changes_while_it_is_asked_for(person: Person) -> None:
    command = [sys.executable, "-c", CHANGES_AGAIN, *LABEL]
    with Terminal(command, env=person.environment, cwd=person.folder) as terminal:
        choose_first(terminal)
        terminal.resize(40, 10)
        with Path(f"/proc/{terminal.pid}/fd/0").open("rb") as window:
            while termios.tcgetwinsize(window) != (24, 80):
                os.sched_yield()
        terminal.resize(80, 24)
        terminal.wait_for(lambda screen: are_ready(screen, "✔○○"))
        confirm(terminal)
        leave(terminal, person)


def test_sizes_that_come_and_go_at_once(person: Person) -> None:
    """Too quickly for the screen to be laid out for them; the terminal lost what it showed."""
    with person.annotate() as terminal:
        choose_first(terminal)
        for _ in range(20):
            terminal.resize(20, 3)
            time.sleep(0.002)  # so that the program hears of both
            terminal.resize(80, 24)
            terminal.wait_for(lambda screen: are_ready(screen, "✔○○"))
        confirm(terminal)
        leave(terminal, person)


def test_a_broken_pipe_is_no_end(person: Person) -> None:
    with person.annotate() as terminal:
        choose_first(terminal)
        terminal.kill(signal.SIGPIPE)
        confirm(terminal)
        leave(terminal, person)


def test_bytes_that_are_no_text_are_no_end(person: Person) -> None:
    with person.annotate() as terminal:
        choose_first(terminal)
        terminal.send_bytes(b"\xe4\xff\xc3")
        wait_until_read(terminal)
        confirm(terminal)
        leave(terminal, person)


def test_a_terminal_that_goes_unheard_ends_it(person: Person) -> None:
    command = [sys.executable, "-c", UNHEARD, *PROGRAM, *LABEL]
    with Terminal(command, env=person.environment, cwd=person.folder) as terminal:
        choose_first(terminal)
        confirm(terminal)
        program = Child(terminal.pid)
        terminal.close_pty()
        program.wait_exit()
        assert terminal.wait_exit() == 0
    assert len(person.rows()) == 2
    assert person.rows() == expected_rows(person.groups())


def test_generate_goes_on_without_a_terminal(tmp_path: Path) -> None:
    with persona_process("echo", token_delay=0.02) as url:
        person = Person(tmp_path, server=url)
        person.prompts("one", "two", "three")
        command = ["nohup", *PROGRAM, "generate", "prompts.toml", "-n", "3", "--annotator", "ann"]
        with Terminal(command, env=person.environment, cwd=person.folder) as terminal:
            while not list(person.home.rglob("*.generator")):
                os.sched_yield()
            terminal.close_pty()
            assert terminal.wait_exit() == 0
    assert [len(group.responses) for group in person.groups()] == [3, 3, 3]


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)],
)
def test_a_signal_during_the_import(person: Person, number: signal.Signals, code: int) -> None:
    person.write("mine.py", SLOW_LOADER)
    prompts = (person.folder / "prompts.toml").read_text()
    person.write("prompts.toml", 'loader = "mine:make"\n')
    with person.annotate("--allow-loader") as terminal:
        terminal.wait_for("half of them")
        terminal.kill(number)
        assert terminal.wait_exit() == code
        assert "Traceback" not in terminal.screen()
    assert list(person.home.rglob("*.db*")) == []
    person.write("prompts.toml", prompts)
    with person.annotate() as terminal:
        choose_first(terminal)
        confirm(terminal)
        leave(terminal, person)
