"""The harness itself: what it shows, sends, waits for and cleans up."""

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.terminal.emulator import Emulator
from tests.terminal.terminal import KEYS, Terminal, isolated_environment

TINY_APP = [sys.executable, str(Path(__file__).parent / "tiny_app.py")]

UNKNOWN_TO_PYTE = (
    b"\x1b[>1u\x1b[=0;1u\x1b[<u\x1b[>4;2m"  # keyboard protocols
    b"\x1b[?2026$p\x1b[2 q\x1b[!p"  # mode query, cursor shape, soft reset
    b"\x1b[4:3m\x1b[38:2::10:20:30m"  # subparameters
    b"\x1b]52;c;QUJD\x07\x1b]8;;http://a\x1b\\\x1b]2;title\x07"  # clipboard, link, title
    b"\x1bP+q544e\x1b\\\x1b_Gi=1;AAAA\x1b\\"  # capabilities, graphics
)


def shell(
    script: str, *, cols: int = 80, rows: int = 24, env: Mapping[str, str] | None = None
) -> Terminal:
    return Terminal(["/bin/sh", "-c", script], cols=cols, rows=rows, env=env)


def painted(*data: bytes, cols: int = 80) -> list[str]:
    emulator = Emulator(cols, 4)
    for part in data:
        emulator.feed(part)
    return emulator.text().split("\n")


def test_a_conversation_with_a_plain_program() -> None:
    with shell("printf 'name? '; read name; echo hello $name; exit 7") as terminal:
        terminal.wait_for("name?")
        assert terminal.cursor == (6, 0)
        terminal.send("Grace\r")
        assert terminal.wait_for("hello").startswith("name? Grace\nhello Grace\n")
        assert terminal.wait_exit() == 7


def test_waiting_can_take_any_question() -> None:
    with shell("for i in 1 2 3; do echo line; done; read x") as terminal:
        assert terminal.wait_for(lambda screen: screen.count("line") == 3)


def test_the_program_has_a_controlling_terminal_of_the_given_size() -> None:
    with shell("stty size > /dev/tty", cols=101, rows=7) as terminal:
        assert terminal.wait_exit() == 0
        assert terminal.screen().split("\n")[0] == "7 101"


def test_raw_is_every_byte() -> None:
    with shell(r"printf 'a\033]52;c;QUJD\007b'") as terminal:
        terminal.wait_exit()
        assert terminal.raw == b"a\x1b]52;c;QUJD\x07b"
        assert terminal.screen().strip() == "ab"


def test_last_words_are_on_the_screen_after_the_end() -> None:
    with shell("for i in $(seq 5000); do echo $i; done; echo last") as terminal:
        assert terminal.wait_exit() == 0
        assert "5000\nlast\n" in terminal.screen()


def test_what_does_not_appear_is_told_with_a_picture() -> None:
    with shell("echo something else; read x") as terminal:
        terminal.wait_for("something else")
        with pytest.raises(AssertionError, match=r"(?s)'never'.*the program runs.*something else"):
            terminal.wait_for("never", timeout=0)
        with pytest.raises(AssertionError, match=r"(?s)doesn't end.*something else"):
            terminal.wait_exit(timeout=0)


def test_the_end_of_the_program_ends_the_waiting() -> None:
    with (
        shell("echo oops; exit 9") as terminal,
        pytest.raises(AssertionError, match=r"(?s)'never'.*oops"),
    ):
        terminal.wait_for("never")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_is_told_as_a_negative_code(number: signal.Signals) -> None:
    with shell("echo here; read x") as terminal:
        terminal.wait_for("here")
        terminal.kill(number)
        assert terminal.wait_exit() == -number


def test_ctrl_c_interrupts() -> None:
    with shell("echo here; read x") as terminal:
        terminal.wait_for("here")
        terminal.press("ctrl+c")
        assert terminal.wait_exit() == -signal.SIGINT


def test_hanging_up_is_a_signal() -> None:
    with shell("echo here; read x") as terminal:
        terminal.wait_for("here")
        terminal.close_pty()
        assert terminal.wait_exit() == -signal.SIGHUP
        assert "here" in terminal.screen()


def test_no_process_is_left_behind_a_failure() -> None:
    terminal = shell("trap '' HUP TERM INT; echo here; while :; do read x; done")
    with pytest.raises(AssertionError, match="never"), terminal:
        terminal.wait_for("never", timeout=0)
    with pytest.raises(ProcessLookupError):
        os.kill(terminal.pid, 0)


def test_a_program_that_does_not_exist_fails_to_start() -> None:
    with Terminal(["/no/such/program"]) as terminal:
        assert terminal.wait_exit() == 1
        assert "No such file" in terminal.screen()


def test_a_key_that_does_not_exist_is_refused() -> None:
    with shell("read x") as terminal, pytest.raises(AssertionError, match="no such key: entre"):
        terminal.press("entre")


def test_the_environment_is_a_fresh_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "DPO_TUI_MODEL", "TEXTUAL_FPS", "NO_COLOR", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, "mine")
    home = tmp_path / "home"
    environment = isolated_environment(home, server="http://127.0.0.1:1/v1")
    assert "mine" not in environment.values()
    with shell("echo $XDG_DATA_HOME; echo $DPO_TUI_BASE_URL", env=environment, cols=500) as term:
        term.wait_exit()
        assert term.screen().split("\n")[:2] == [
            str(home / ".local" / "share"),
            "http://127.0.0.1:1/v1",
        ]
    assert list(home.iterdir()) == []


@pytest.fixture(scope="module")
def tiny_app(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return isolated_environment(tmp_path_factory.mktemp("home"))


def test_a_textual_app_gets_every_key(tiny_app: dict[str, str]) -> None:
    keys = [key for key in KEYS if key not in {"ctrl+i", "ctrl+m", "ctrl+h", "ctrl+q", "ctrl+p"}]
    with Terminal(TINY_APP, env=tiny_app, cols=500) as terminal:
        terminal.wait_for("size 500x24")
        for key in ["a", "7", *keys, "z"]:
            terminal.press(key)
            terminal.wait_for(f" {'question_mark' if key == '?' else key}")
        terminal.press("q")
        assert terminal.wait_exit() == 3


def test_a_textual_app_is_shown_resized_and_cleaned_away(tiny_app: dict[str, str]) -> None:
    script = f"echo before; {' '.join(TINY_APP)}; echo code $?"
    with shell(script, env=tiny_app) as terminal:
        terminal.wait_for("size 80x24")
        screen = terminal.wait_for("👨‍👩‍👧‍👦 日本語 नमस्ते |end")
        assert "before" not in screen
        terminal.resize(132, 50)
        terminal.wait_for("size 132x50")
        terminal.press("q")
        assert terminal.wait_exit() == 0
        assert terminal.screen().strip() == "before\ncode 3"
        assert b"\x1b[?1049h" in terminal.raw
        assert b"\x1b[?1049l" in terminal.raw


def test_what_pyte_does_not_know_leaves_no_trace() -> None:
    assert painted(b"a" + UNKNOWN_TO_PYTE + b"b")[0] == "ab"


@given(st.integers(0, len(UNKNOWN_TO_PYTE) + 20))
def test_output_may_be_cut_anywhere(cut: int) -> None:
    data = "ä日".encode() + UNKNOWN_TO_PYTE + b"\x1b[2;3Hb" + "👍🏽".encode()
    assert painted(data[:cut], data[cut:]) == painted(data)


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("ascii", 5),
        ("日本語", 6),
        ("👨‍👩‍👧‍👦", 2),
        ("👍🏽", 2),
        ("❤️", 2),
        ("🇩🇪", 2),
        ("e\u0301", 1),
        ("नमस्ते", 4),
    ],
)
def test_text_takes_the_cells_of_a_modern_terminal(text: str, width: int) -> None:
    emulator = Emulator(20, 2)
    emulator.feed(text.encode())
    assert emulator.cursor == (width, 0)
    emulator.feed(b"|")
    assert emulator.text().split("\n")[0] == f"{text}|"
