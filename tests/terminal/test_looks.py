"""What a terminal gets besides text: its title, its colours, its bell."""

import json
import re
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.servers import replies
from tests.servers.wire import ChatServer
from tests.terminal.program import Person, are_ready, assert_restored, serving
from tests.terminal.terminal import Terminal

READY = '[[prompt]]\nuser = "one"\nresponses = ["yes", "no"]\n'
PUSH, POP = b"\x1b[22;0t", b"\x1b[23;0t"


@pytest.fixture
def person(tmp_path: Path) -> Person:
    person = Person(tmp_path)
    person.write("prompts.toml", READY)
    return person


def label_a_little(terminal: Terminal) -> str:
    terminal.wait_for("unmarked")
    terminal.press(" ")
    screen = terminal.wait_for("✔ chosen")
    terminal.press("q")
    assert terminal.wait_exit() == 0
    assert_restored(terminal)
    return screen


def test_the_title_says_what_is_labelled_and_is_given_back(person: Person) -> None:
    with person.annotate() as terminal:
        label_a_little(terminal)
    raw = terminal.raw
    title = b"\x1b]0;dpo-tui: prompts.toml\x07"
    assert raw.count(title) == 1
    assert raw.find(PUSH) < raw.find(title) < raw.rfind(POP)


def test_no_title_if_none_is_wanted(person: Person) -> None:
    with person.annotate("--title", "false") as terminal:
        label_a_little(terminal)
    assert b"\x1b]0;" not in terminal.raw
    assert PUSH not in terminal.raw


@pytest.mark.parametrize("kind", ["linux", "dumb"])
def test_no_title_where_it_would_be_text(person: Person, kind: str) -> None:
    with person.start("annotate", "prompts.toml", TERM=kind) as terminal:
        label_a_little(terminal)
    assert b"\x1b]0;" not in terminal.raw


def test_a_file_s_name_cannot_break_out_of_the_title(person: Person) -> None:
    name = "a\x1b]52;c;eA==\x07b\x9c.toml"
    person.write(name, READY)
    with person.start("annotate", name) as terminal:
        label_a_little(terminal)
    assert "\x1b]0;dpo-tui: a␛]52;c;eA==␇b\ufffd.toml\x07".encode() in terminal.raw
    assert b"\x1b]52" not in terminal.raw


@pytest.mark.parametrize("kind", ["xterm", "screen", "linux"])
def test_sixteen_colours_are_enough(person: Person, kind: str) -> None:
    with person.start("annotate", "prompts.toml", TERM=kind) as terminal:
        label_a_little(terminal)
    assert b"38;2" not in terminal.raw
    assert b"38;5" not in terminal.raw
    assert re.search(rb"\x1b\[(\d+;)*32[;m]", terminal.raw), "green of the terminal's own"


def test_no_colour_if_none_is_wanted(person: Person) -> None:
    with person.start("annotate", "prompts.toml", NO_COLOR="1", COLORTERM="truecolor") as terminal:
        label_a_little(terminal)
    colours = [part.split(b"m")[0].split(b";")[:3] for part in terminal.raw.split(b"38;2;")[1:]]
    assert colours
    assert all(red == green == blue for red, green, blue in colours), "only greys"


@pytest.mark.parametrize("by", ["flag", "variable", "config"])
def test_a_theme_is_set(person: Person, by: str) -> None:
    if by == "config":
        person.configure('theme = "dpo-light"\n')
    flags = ["--theme", "dpo-light"] if by == "flag" else []
    if by == "variable":
        person.environment["DPO_TUI_THEME"] = "dpo-light"
    with person.start("annotate", "prompts.toml", *flags, COLORTERM="truecolor") as terminal:
        label_a_little(terminal)
    assert b"48;2;247;248;251" in terminal.raw, "a light ground"


def test_a_theme_that_was_chosen_is_there_the_next_time(person: Person) -> None:
    state = Path(person.environment["XDG_STATE_HOME"]) / "dpo-tui" / "preferences.json"
    with person.start("annotate", "prompts.toml", COLORTERM="truecolor") as terminal:
        terminal.wait_for("unmarked")
        terminal.press("\x10")
        terminal.wait_for("Choose the response")
        terminal.press(*"colours")
        terminal.wait_for(lambda screen: "Choose the response" not in screen)
        terminal.wait_for("Choose other colours.")
        terminal.press("enter")
        terminal.wait_for("dpo-light")
        terminal.press(*"solarized-light")
        terminal.wait_for(lambda screen: screen.count("solarized-light") == 2)
        terminal.press("enter")
        terminal.wait_for(lambda screen: "unmarked" in screen and state.exists())
        terminal.press("q")
        assert terminal.wait_exit() == 0
    assert json.loads(state.read_text())["theme"] == "solarized-light"
    assert state.stat().st_mode & 0o077 == 0
    with person.start("annotate", "prompts.toml", COLORTERM="truecolor") as terminal:
        label_a_little(terminal)
    assert b"48;2;253;246;227" in terminal.raw


@pytest.mark.parametrize("flags", [["--bell"], []])
def test_the_bell_rings_when_a_server_goes_down_if_wanted(tmp_path: Path, flags: list[str]) -> None:
    with ExitStack() as servers:
        url = servers.enter_context(serving(ChatServer(replies.completion("a", "b", "c")))).url
        person = Person(tmp_path, server=url)
        person.prompts("one", "two", "three")
        with person.annotate("--ahead", "0", *flags) as terminal:
            terminal.wait_for(lambda screen: are_ready(screen, "○○○"))
            rung = _rings(terminal)
            servers.close()
            terminal.press("r")
            terminal.wait_for("○ down")
            terminal.press("q")
            assert terminal.wait_exit() == 0
            assert _rings(terminal) == rung + len(flags)


def _rings(terminal: Terminal) -> int:
    return re.sub(rb"\x1b\][^\x07]*\x07", b"", terminal.raw).count(b"\x07")


def test_a_theme_that_there_is_not_is_told(person: Person) -> None:
    result = person.run("annotate", "prompts.toml", "--theme", "drk")
    assert result.returncode == 2
    assert "--theme: there is no theme 'drk'" in result.stderr
    assert "dpo-dark" in result.stderr


@pytest.mark.parametrize("text", ['theme = "drk"', 'live_format = "tlr"', 'live_format = "csv"'])
def test_a_file_that_says_what_there_is_not_is_named(person: Person, text: str) -> None:
    person.configure(text)
    with person.start("annotate", "prompts.toml", cols=200) as terminal:
        assert terminal.wait_exit() == 2
        assert f"config.toml: key {text.split(maxsplit=1)[0]}: " in terminal.screen()
