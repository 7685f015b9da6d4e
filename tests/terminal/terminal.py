"""Real programs in a real pseudo-terminal, for tests that are a person at a keyboard.

    with Terminal([sys.executable, "-m", "dpo_tui", "init"], env=isolated_environment(tmp)) as term:
        term.wait_for("prompts.toml")           # until the text is on the screen
        term.press("down", "space", "ctrl+c")   # keys by name
        term.send("some text")                  # characters as they are
        assert term.wait_exit() == 0
        assert b"\\x1b]52" not in term.raw       # every byte that reached the terminal

A program can be seen in the middle of its painting: wait for what is there last, or for each thing.
Whatever happens inside the `with`, no process is left behind it.
"""

import os
import select
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

from tests.terminal.emulator import Emulator

PATIENCE = 60.0
"""Seconds to wait for a state. Long, since a busy machine must not fail a test."""

KEYS = {
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "shift+tab": "\x1b[Z",
    "space": " ",
    "backspace": "\x7f",
    "delete": "\x1b[3~",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
} | {f"ctrl+{chr(code + 0x60)}": chr(code) for code in range(1, 27)}
"""What a terminal sends for a key that has a name; any other key sends its own character."""

_KEPT = ("PATH", "LD_LIBRARY_PATH", "TMPDIR", "VIRTUAL_ENV")
# login_tty makes the terminal the controlling one: hanging up, resizing, Ctrl-C become signals.
_LOGIN = "import os, sys; os.login_tty(0); os.execvp(sys.argv[1], sys.argv[1:])"


def isolated_environment(home: Path, *, server: str | None = None) -> dict[str, str]:
    """The environment of a person who has just got this machine, with an empty home folder.

    Nothing of the real home, no settings and no keys are in it. `server` is the base URL of the
    model server to use.
    """
    home.mkdir(parents=True, exist_ok=True)
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environment |= {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "XDG_STATE_HOME": str(home / ".local" / "state"),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
    }
    if server is not None:
        environment["DPO_TUI_BASE_URL"] = server
    return environment


class Terminal:
    """A program in a pseudo-terminal of `cols` x `rows` cells. Use it as a context manager.

    Output is taken in only while something waits (`wait_for`, `wait_exit`): a program that paints
    much meanwhile is held up, as on a slow link.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cols: int = 80,
        rows: int = 24,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self._emulator = Emulator(cols, rows)
        self._raw = bytearray()
        self._size = cols, rows
        master, slave = os.openpty()
        try:
            termios.tcsetwinsize(slave, (rows, cols))
            self._settings = termios.tcgetattr(slave)
            self._process = subprocess.Popen(
                [sys.executable, "-ISc", _LOGIN, *argv],
                stdin=slave,
                stdout=slave,
                stderr=slave,
                env=env,
                cwd=cwd,
            )
        except BaseException:
            os.close(master)
            raise
        finally:
            os.close(slave)
        self._master: int | None = master
        self._ended = os.pidfd_open(self._process.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self.kill(signal.SIGKILL)
            self._process.wait()
        self.close_pty()
        os.close(self._ended)

    @property
    def pid(self) -> int:
        """The program's process id."""
        return self._process.pid

    @property
    def raw(self) -> bytes:
        """Everything that reached the terminal so far, byte by byte."""
        return bytes(self._raw)

    @property
    def cursor(self) -> tuple[int, int]:
        """Column and row of the cursor, from 0."""
        return self._emulator.cursor

    @property
    def has_its_settings(self) -> bool:
        """Whether its settings (`stty`) are as they were before the program began."""
        assert self._master is not None, "the terminal is closed"
        return termios.tcgetattr(self._master) == self._settings

    def screen(self) -> str:
        """What is on the screen: all rows, without the white space at their ends."""
        return self._emulator.text()

    def send(self, text: str) -> None:
        """Type characters as they are."""
        self.send_bytes(text.encode())

    def send_bytes(self, data: bytes) -> None:
        """Send what a terminal of another encoding would."""
        assert self._master is not None, "the terminal is closed"
        while data:
            data = data[os.write(self._master, data) :]

    def press(self, *keys: str) -> None:
        """Press keys, by name (see `KEYS`) or by character."""
        for key in keys:
            assert key in KEYS or len(key) == 1, f"no such key: {key}"
            self.send(KEYS.get(key, key))

    def wait_for(self, wanted: str | Callable[[str], object], timeout: float = PATIENCE) -> str:
        """Wait until the screen shows a text, or until a function of the screen is true of it.

        Returns the screen. Fails, with a picture of it, after `timeout` seconds or when the
        program has ended without.
        """
        deadline = monotonic() + timeout
        while not (wanted in self.screen() if isinstance(wanted, str) else wanted(self.screen())):
            if not self._take_in(deadline):
                raise AssertionError(f"waited in vain for {wanted!r}\n{self.picture()}")
        return self.screen()

    def wait_exit(self, timeout: float = PATIENCE) -> int:
        """Wait until the program has ended, and take in its last words.

        Returns its exit code, or -n if signal n killed it.
        """
        deadline = monotonic() + timeout
        while self._take_in(deadline):
            pass
        try:
            return self._process.wait(max(0.0, deadline - monotonic()))
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the program doesn't end\n{self.picture()}") from None

    def resize(self, cols: int, rows: int) -> None:
        """Change the size of the terminal, as by dragging its window."""
        assert self._master is not None, "the terminal is closed"
        self._size = cols, rows
        self._emulator.resize(cols, rows)
        termios.tcsetwinsize(self._master, (rows, cols))

    def kill(self, number: signal.Signals) -> None:
        """Send a signal to the program (and to nothing that it started)."""
        self._process.send_signal(number)

    def close_pty(self) -> None:
        """Hang up, as by closing the terminal's window or losing the link."""
        if self._master is not None:
            os.close(self._master)
            self._master = None

    def picture(self) -> str:
        """The screen with a frame, and whether the program runs, for a person."""
        code = self._process.poll()
        state = "the program runs" if code is None else f"the program ended with {code}"
        edge = "+" + "-" * self._size[0] + "+"
        return "\n".join([f"{state}; the screen:", edge, self.screen().rstrip("\n"), edge])

    def _take_in(self, deadline: float) -> bool:
        """Wait for output and paint it. False if none came in time, or none can come any more."""
        if self._master is None:
            return False
        sources = [self._master, self._ended]
        ready = select.select(sources, [], [], max(0.0, deadline - monotonic()))[0]
        if self._master not in ready:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: nobody holds the other end any more
            return False
        self._raw += data
        self._emulator.feed(data)
        return bool(data)
