"""The person's own editor, in the place of the screen."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.terminal.program import ENDS, Child, Person, assert_restored
from tests.terminal.terminal import Terminal

PROMPTS = '[[prompt]]\nuser = "one"\nresponses = ["first answer", "second answer"]\n'


def editor(folder: Path, script: str) -> str:
    path = folder / "editor.sh"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_the_edit_comes_back_as_a_response(tmp_path: Path) -> None:
    person = Person(tmp_path)
    person.write("prompts.toml", "shuffle = false\n" + PROMPTS)
    person.environment["EDITOR"] = editor(
        tmp_path, 'echo EDITING; read x; printf "better\\n" > "$1"'
    )
    with person.annotate() as terminal:
        terminal.wait_for("second answer")
        terminal.press("E")
        terminal.wait_for("EDITING")
        terminal.press("enter")
        terminal.wait_for("response 3 is yours, and chosen")
        terminal.wait_for("better")
        terminal.press("enter")
        terminal.wait_for("Every group is decided")
        terminal.press("q")
        assert terminal.wait_exit() == 0
    assert {row["messages"][-1]["content"] for row in person.rows()} == {"better"}


SAVES = 'echo EDITING; read x; printf "saved\\n" > "$1"; echo SAVED; exec sleep 100'


@pytest.mark.parametrize(("leave", "code"), ENDS)
def test_what_the_editor_saved_is_kept_by_who_leaves_meanwhile(
    tmp_path: Path, leave: Callable[[Terminal], None], code: int
) -> None:
    person = Person(tmp_path)
    person.write("prompts.toml", "shuffle = false\n" + PROMPTS)
    person.environment["EDITOR"] = editor(tmp_path, SAVES)
    person.environment["TMPDIR"] = str(tmp_path)
    with person.annotate() as terminal:
        terminal.wait_for("second answer")
        terminal.press("E")
        terminal.wait_for("EDITING")
        terminal.press("enter")
        terminal.wait_for("SAVED")
        outside = Child(terminal.pid)
        leave(terminal)
        assert terminal.wait_exit() == code
        outside.wait_exit()
    assert not [*tmp_path.glob("dpo-tui-*")]
    with person.annotate() as terminal:
        terminal.wait_for("second answer")
        assert " 3  " not in terminal.screen()
        terminal.press("e")
        terminal.wait_for("saved")
        terminal.press("ctrl+c")
        assert terminal.wait_exit() == 0


def test_what_the_editor_had_not_saved_is_told(tmp_path: Path) -> None:
    person = Person(tmp_path)
    person.write("prompts.toml", PROMPTS)
    person.environment["TMPDIR"] = str(tmp_path)
    script = (  # as vim: made to end, it leaves the terminal as it had it
        """stty raw -echo; trap 'echo typed > "$1.save"; exit 1' TERM; echo EDITING; """
        "while :; do read x; done"
    )
    person.environment["EDITOR"] = editor(tmp_path, script)
    with person.annotate() as terminal:
        terminal.wait_for("second answer")
        terminal.press("E")
        terminal.wait_for("EDITING")
        terminal.kill(signal.SIGTERM)
        assert terminal.wait_exit() == 143
        assert_restored(terminal)
        (folder,) = tmp_path.glob("dpo-tui-*")
        assert f"had not saved is in {folder}" in terminal.screen().replace("\n", "")
    assert (folder / "response.md.save").read_text() == "typed\n"


def test_an_editor_that_takes_its_file_along_is_no_fault(tmp_path: Path) -> None:
    person = Person(tmp_path)
    person.write("prompts.toml", PROMPTS)
    script = 'trap \'rm -r "$(dirname "$1")"; exit\' TERM; echo EDITING; while :; do read x; done'
    person.environment["EDITOR"] = editor(tmp_path, script)
    with person.annotate() as terminal:
        terminal.wait_for("second answer")
        terminal.press("E")
        terminal.wait_for("EDITING")
        terminal.kill(signal.SIGTERM)
        assert terminal.wait_exit() == 143
        assert_restored(terminal)
    assert not [*person.home.rglob("crash.txt")]


@pytest.mark.parametrize(
    ("script", "said"),
    [("exit 3", "ended with exit code 3"), ("printf '\\377' > \"$1\"", "can't be read")],
)
def test_an_editor_that_fails_changes_nothing(tmp_path: Path, script: str, said: str) -> None:
    person = Person(tmp_path)
    person.write("prompts.toml", PROMPTS)
    person.environment["VISUAL"] = editor(tmp_path, script)
    with person.annotate() as terminal:
        terminal.wait_for("second answer")
        terminal.press("E")
        terminal.wait_for(said)
        assert " 3  " not in terminal.screen()
        terminal.press("q")
        assert terminal.wait_exit() == 0


def test_an_editor_that_is_not_there_is_told(tmp_path: Path) -> None:
    person = Person(tmp_path)
    person.write("prompts.toml", PROMPTS)
    person.environment["EDITOR"] = "/nowhere/to/be/found"
    with person.annotate() as terminal:
        terminal.wait_for("second answer")
        terminal.press("E")
        terminal.wait_for("can't be started")
        terminal.press("q")
        assert terminal.wait_exit() == 0
