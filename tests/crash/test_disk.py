"""A disk that refuses: it is told at once, nothing is lost, and work goes on when it gives way."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Event
from time import sleep
from typing import TypeAlias

import pytest

from tests.crash.faults import Faults
from tests.servers import replies
from tests.servers.wire import ChatServer, Exchange
from tests.terminal.program import Person, are_ready, expected_rows, serving
from tests.terminal.terminal import Terminal

SESSION, DATASET = ".db", ".dpo.jsonl"

Trouble: TypeAlias = Callable[[Person, Terminal, Faults], AbstractContextManager[None]]


@pytest.fixture
def person(tmp_path: Path, server: str) -> Person:
    person = Person(tmp_path, server=server)
    person.prompts("one", "two", "three")
    return person


def says(*words: str) -> Callable[[str], bool]:
    """Whether the screen says all of this, wherever its lines break."""
    return lambda screen: all(each in " ".join(screen.split()) for each in words)


def annotate(person: Person, faults: Faults, *arguments: str) -> Terminal:
    words = ("annotate", "prompts.toml", "-n", "3", "--annotator", "ann", *arguments)
    return person.start(*words, cols=120, rows=36, **faults.environment)


def refusing(error: int, only: str = "") -> Trouble:
    @contextmanager
    def trouble(_: Person, __: Terminal, faults: Faults) -> Iterator[None]:
        faults.fail(error, only)
        yield
        faults.cease()

    return trouble


@contextmanager
def no_larger_files(_: Person, terminal: Terminal, __: Faults) -> Iterator[None]:
    """What a quota does, by the system's own means."""
    before = resource.prlimit(terminal.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(terminal.pid, resource.RLIMIT_FSIZE, (0, before[1]))
    yield
    resource.prlimit(terminal.pid, resource.RLIMIT_FSIZE, before)


EVERYTHING = [
    pytest.param(refusing(errno.ENOSPC), "the disk is full", id="full"),
    pytest.param(refusing(errno.EDQUOT), "failed", id="quota"),
    pytest.param(refusing(errno.EIO), "failed", id="I/O error"),
    pytest.param(refusing(errno.EROFS), "failed", id="read-only"),
    pytest.param(no_larger_files, "failed", id="RLIMIT_FSIZE"),
]


@pytest.mark.parametrize(("trouble", "word"), EVERYTHING)
def test_what_is_not_saved_is_not_shown_as_done(
    person: Person, faults: Faults, trouble: Trouble, word: str
) -> None:
    with annotate(person, faults) as terminal:
        terminal.wait_for(" 1/3 ")
        terminal.press("1")
        terminal.wait_for(lambda screen: are_ready(screen, "✔○○"))
        with trouble(person, terminal, faults):
            for key, said in (("2", "not saved"), ("enter", "not confirmed"), ("s", "not skipped")):
                terminal.press(key)
                screen = terminal.wait_for(says(said, word))
                assert are_ready(screen, "✔○○")
                assert " 1/3 " in screen
        terminal.press("2")
        terminal.wait_for(lambda screen: are_ready(screen, "✔✔○"))
        terminal.press("enter")
        terminal.wait_for(lambda screen: " 2/3 " in screen and "1 confirmed" in screen)
        with trouble(person, terminal, faults):
            terminal.press("u")
            assert " 2/3 " in terminal.wait_for("not undone")
        terminal.press("u")
        terminal.wait_for(lambda screen: " 1/3 " in screen and are_ready(screen, "✔✔○"))
        terminal.press("enter")
        terminal.wait_for("group 1 confirmed")
        terminal.press("q")
        assert terminal.wait_exit() == 0
    assert len(person.rows()) == 2
    assert person.rows() == expected_rows(person.groups())


@pytest.mark.parametrize(("trouble", "word"), EVERYTHING)
@pytest.mark.parametrize("way", ["ctrl+s", "escape"])
def test_what_is_typed_stays_open_until_it_is_on_disk(
    person: Person, faults: Faults, trouble: Trouble, word: str, way: str
) -> None:
    with annotate(person, faults) as terminal:
        terminal.wait_for(lambda screen: are_ready(screen, "○○○"))
        terminal.press("w")
        terminal.wait_for("Write a response")
        with trouble(person, terminal, faults):
            terminal.send("typed with care")
            terminal.wait_for(says("typed with care", "not saved yet", word))
            terminal.press(way)
            sleep(0.3)  # else escape and what follows were one key
            terminal.send("!")
            terminal.wait_for(says("typed with care!", "not saved yet"))
        terminal.press(way)
        if way == "escape":
            terminal.wait_for("w goes on with it")
            terminal.press("w")
            terminal.wait_for("typed with care")
            terminal.press("ctrl+s")
        terminal.wait_for("response 4 is yours, and chosen")
        terminal.press("q")
        assert terminal.wait_exit() == 0
    assert person.groups()[0].responses[-1].completion.text == "typed with care!"


def test_ctrl_c_gives_up_unsaved_text_only_the_second_time(person: Person, faults: Faults) -> None:
    with annotate(person, faults) as terminal:
        terminal.wait_for(lambda screen: are_ready(screen, "○○○"))
        terminal.press("w")
        terminal.wait_for("Write a response")
        faults.fail(errno.ENOSPC)
        terminal.send("typed with care")
        terminal.wait_for("typed with care")
        terminal.press("ctrl+c")
        assert "typed with care" in terminal.wait_for("ctrl-c again leaves without it")
        terminal.press("ctrl+c")
        assert terminal.wait_exit() == 0


def test_a_note_stays_open_until_it_is_on_disk(person: Person, faults: Faults) -> None:
    with annotate(person, faults) as terminal:
        terminal.wait_for(lambda screen: are_ready(screen, "○○○"))
        terminal.press("i")
        terminal.wait_for("why?")
        faults.fail(errno.ENOSPC)
        terminal.send("too long")
        terminal.press("enter")
        terminal.wait_for(says("too long", "not saved yet", "the disk is full"))
        faults.cease()
        terminal.press("enter")
        terminal.wait_for("“too long”")
        terminal.press("q")
        assert terminal.wait_exit() == 0


def test_what_comes_from_an_editor_stays_open_until_it_is_on_disk(
    person: Person, faults: Faults, tmp_path: Path
) -> None:
    script = tmp_path / "editor.sh"
    script.write_text('#!/bin/sh\nprintf "typed with care" > "$1"\n')
    script.chmod(0o755)
    person.environment["EDITOR"] = str(script)
    with annotate(person, faults) as terminal:
        terminal.wait_for(lambda screen: are_ready(screen, "○○○"))
        faults.fail(errno.ENOSPC, SESSION)
        terminal.press("E")
        terminal.wait_for(says("typed with care", "not saved yet", "the disk is full"))
        faults.cease()
        terminal.press("ctrl+s")
        terminal.wait_for("response 4 is yours, and chosen")
        terminal.press("q")
        assert terminal.wait_exit() == 0


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_responses_wait_in_memory_for_the_disk(tmp_path: Path, faults: Faults, error: int) -> None:
    may_answer = Event()

    async def reply(exchange: Exchange) -> None:
        await asyncio.to_thread(may_answer.wait)
        await replies.completion("yes", "no", "perhaps")(exchange)

    with serving(ChatServer(reply)) as server:
        person = Person(tmp_path / "person", server=server.url)
        person.prompts("one", "two")
        with annotate(person, faults) as terminal:
            terminal.wait_for(lambda screen: " 1/2 " in screen and "waiting" not in screen)
            faults.fail(error)
            may_answer.set()
            terminal.wait_for(says("the disk is full" if error == errno.ENOSPC else "failed"))
            terminal.press("1")
            terminal.wait_for("not saved")
            faults.cease()
            terminal.wait_for(lambda screen: are_ready(screen, "○○○"))
            terminal.press("1")
            terminal.wait_for(lambda screen: are_ready(screen, "✔○○"))
            terminal.press("enter")
            terminal.wait_for(" 2/2 ")
            terminal.wait_for(lambda screen: are_ready(screen, "○○○"))
            terminal.press("q")
            assert terminal.wait_exit() == 0
        assert len(server.requests) == 2, "something was generated twice"
    assert [len(group.responses) for group in person.groups()] == [3, 3]
    assert len(person.rows()) == 2


def test_generate_waits_for_the_disk(tmp_path: Path, faults: Faults) -> None:
    may_answer = Event()

    async def reply(exchange: Exchange) -> None:
        await asyncio.to_thread(may_answer.wait)
        await replies.completion("yes", "no", "perhaps")(exchange)

    with serving(ChatServer(reply)) as server:
        person = Person(tmp_path / "person", server=server.url)
        person.prompts("one", "two")
        words = ("generate", "prompts.toml", "-n", "3", "--annotator", "ann")
        with person.start(*words, cols=120, rows=24, **faults.environment) as terminal:
            terminal.wait_for(lambda _: len(server.requests) == 2)
            faults.fail(errno.ENOSPC)
            may_answer.set()
            terminal.wait_for(says("the disk is full"))
            faults.cease()
            assert terminal.wait_exit() == 0
        assert len(server.requests) == 2
    assert [len(group.responses) for group in person.groups()] == [3, 3]


@pytest.mark.parametrize(
    "error", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES]
)
def test_a_dataset_that_refuses_holds_nothing_up(
    person: Person, faults: Faults, error: int
) -> None:
    with annotate(person, faults) as terminal:
        terminal.wait_for(" 1/3 ")
        faults.fail(error, DATASET)
        for position in (1, 2):
            terminal.press("1")
            terminal.wait_for(lambda screen: are_ready(screen, "✔○○"))
            terminal.press("enter")
            terminal.wait_for(f" {position + 1}/3 ")
            terminal.wait_for(says(os.strerror(error)))
        assert person.rows() == []
        faults.cease()
        terminal.press("s")
        terminal.wait_for("Every group is decided")
        terminal.wait_for(lambda screen: not says(os.strerror(error))(screen))
        assert len(person.rows()) == 4
        terminal.press("q")
        assert terminal.wait_exit() == 0
    assert person.rows() == expected_rows(person.groups())


def test_a_dataset_that_is_behind_at_the_end_is_told_and_catches_up(
    person: Person, faults: Faults
) -> None:
    with annotate(person, faults) as terminal:
        terminal.wait_for(" 1/3 ")
        terminal.press("1")
        terminal.wait_for(lambda screen: are_ready(screen, "✔○○"))
        faults.fail(errno.ENOSPC, DATASET)
        terminal.press("enter")
        terminal.wait_for(" 2/3 ")
        terminal.press("q")
        assert terminal.wait_exit() == 0
        assert says(os.strerror(errno.ENOSPC))(terminal.screen())
        assert "1 confirmed" in terminal.screen()
    assert person.rows() == []
    faults.cease()
    with annotate(person, faults) as terminal:
        terminal.wait_for(" 2/3 ")
        assert len(person.rows()) == 2
        terminal.press("q")
        assert terminal.wait_exit() == 0
    assert person.rows() == expected_rows(person.groups())


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS])
def test_leaving_while_the_disk_refuses(person: Person, faults: Faults, error: int) -> None:
    with annotate(person, faults) as terminal:
        terminal.wait_for(" 1/3 ")
        terminal.press("1")
        terminal.wait_for(lambda screen: are_ready(screen, "✔○○"))
        faults.fail(error)
        terminal.press("q")
        assert terminal.wait_exit() == 0, terminal.picture()
        assert "fault" not in terminal.screen()


def says_alone(text: str) -> Callable[[str], bool]:
    """Whether a text is on the screen, and nothing of a confirm any more."""
    words = "group 1 confirmed", "not confirmed"
    return lambda screen: text in screen and not any(word in screen for word in words)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_refused_at_any_call_a_confirm_is_done_or_not(
    person: Person, faults: Faults, error: int
) -> None:
    """From the first call that fails on, all do: a disk that fills up in the middle."""
    with annotate(person, faults) as terminal:
        terminal.wait_for(" 1/3 ")
        terminal.press("1")
        terminal.wait_for(lambda screen: are_ready(screen, "✔○○"))
        for calls in range(100):
            terminal.wait_for(lambda screen: "✔" in screen and " 1/3 " in screen)
            faults.fail(error, after=calls)
            terminal.press("enter")
            terminal.wait_for(lambda screen: "not confirmed" in screen or "1 confirmed" in screen)
            is_confirmed = "1 confirmed" in terminal.screen()
            is_over = not faults.refused
            faults.cease()
            assert (" 2/3 " in terminal.screen()) == is_confirmed
            if is_over:
                break
            terminal.press("u" if is_confirmed else "v")
            said = "is open again" if is_confirmed else "only this set"
            # A long message takes several lines, which are painted over one after the other.
            terminal.wait_for(says_alone(said))
        assert is_confirmed
        assert calls > 5
        terminal.press("q")
        assert terminal.wait_exit() == 0
    assert len(person.rows()) == 2
    assert person.rows() == expected_rows(person.groups())
