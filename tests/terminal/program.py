"""The program as somebody uses it who has an empty home folder and a folder to work in."""

from __future__ import annotations

import asyncio
import json
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from dpo_tui.domain.model import Group, Mark, Verdict
from dpo_tui.store.session import SessionStore
from tests.servers.wire import ChatServer
from tests.terminal.terminal import PATIENCE, Terminal, isolated_environment

PROGRAM = (sys.executable, "-P", "-m", "dpo_tui")
ANNOTATOR = "ann"
_LOCAL = ("--local", "--max-tokens", "24", "--allow-cut-off", "--temperature", "1.2")

_TITLE = re.compile(r"^ +\d+ +(?P<mark>[○✔✖★]) (?P<state>.*)$", re.MULTILINE)
_ON_ITS_WAY = ("waiting", "queued", "reading the prompt", "streaming", "trying again")
_MODES = ((b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?25l", b"\x1b[?25h"))
_KITTY_PUSH = re.compile(rb"\x1b\[>\d+u")

ENDS = (
    pytest.param(lambda terminal: terminal.kill(signal.SIGTERM), 143, id="SIGTERM"),
    pytest.param(lambda terminal: terminal.kill(signal.SIGHUP), 129, id="SIGHUP"),
    pytest.param(Terminal.close_pty, 129, id="the terminal is closed"),
)
"""What ends the program from outside, and its exit code then."""


class Person:
    """Runs the program in `folder`, with `home` as the home folder."""

    def __init__(self, root: Path, *, server: str | None = None) -> None:
        self.home = root / "home"
        self.folder = root / "work"
        self.folder.mkdir(parents=True)
        self.environment = isolated_environment(self.home, server=server)

    def write(self, name: str, text: str) -> Path:
        """A file in the folder."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def prompts(self, *texts: str) -> None:
        """`prompts.toml` with these user messages; cards lie in the order in which they come."""
        self.write("prompts.toml", f"shuffle = false\nuser = {json.dumps(texts)}\n")

    def configure(self, text: str) -> None:
        """The user's config.toml."""
        folder = Path(self.environment["XDG_CONFIG_HOME"]) / "dpo-tui"
        folder.mkdir(parents=True)
        (folder / "config.toml").write_text(text, encoding="utf-8")

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """A command without a terminal, to its end."""
        return subprocess.run(
            [*PROGRAM, *arguments],
            env=self.environment | variables,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def start(self, *arguments: str, cols: int = 80, rows: int = 24, **variables: str) -> Terminal:
        """A command in a terminal."""
        return Terminal(
            [*PROGRAM, *arguments],
            cols=cols,
            rows=rows,
            env=self.environment | variables,
            cwd=self.folder,
        )

    def annotate(self, *arguments: str, cols: int = 80, rows: int = 24) -> Terminal:
        """Label `prompts.toml`, three responses each."""
        given = ("annotate", "prompts.toml", "-n", "3", "--annotator", ANNOTATOR, *arguments)
        return self.start(*given, cols=cols, rows=rows)

    def annotate_locally(self) -> Terminal:
        """Label with the embedded model, on a screen that holds its texts, many lines or few."""
        return self.annotate(*_LOCAL, rows=150)

    def left_behind(self) -> list[Path]:
        """The files in both folders, but for what Python keeps of a loader."""
        found = [each for root in (self.home, self.folder) for each in root.rglob("*")]
        return sorted(each for each in found if each.is_file() and each.suffix != ".pyc")

    def session(self) -> Path:
        """The only session file."""
        (path,) = self.home.rglob("*.db")
        return path

    def rows(self) -> list[dict[str, Any]]:
        """The dataset, each line of which is in the one form that there is."""
        path = self.folder / "prompts.dpo.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
        rows = [json.loads(line) for line in lines]
        assert lines == [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        return rows

    def groups(self) -> list[Group]:
        """What the session knows, once the program has ended."""
        with closing(SessionStore.open(self.session(), annotator=ANNOTATOR)) as store:
            total = store.progress(ANNOTATOR).total
            return [store.group(each, ANNOTATOR) for each in range(1, total + 1)]


def expected_rows(groups: Sequence[Group]) -> list[dict[str, Any]]:
    """The dataset that these decisions ask for, in the order in which they were made."""
    confirmed = [
        (group, group.decision)
        for group in groups
        if group.decision and group.decision.verdict is Verdict.CONFIRMED
    ]
    rows = []
    for group, decision in sorted(confirmed, key=lambda each: each[1].id):
        history = [{"role": each.role, "content": each.content} for each in group.prompt.messages]
        texts = {each.id: each.completion.text.strip() for each in group.responses}
        by_mark = {
            mark: [texts[each] for each in decision.order if decision.marks[each] is mark]
            for mark in Mark
        }
        sides = dict.fromkeys(
            (chosen, rejected)
            for chosen in by_mark[Mark.CHOSEN]
            for rejected in by_mark[Mark.REJECTED]
            if chosen != rejected
        )
        rows += [
            {
                "messages": [*history, {"role": "assistant", "content": chosen}],
                "rejected_response": rejected,
            }
            for chosen, rejected in sides
        ]
    return rows


def cards(screen: str) -> str:
    """The cards as they are on the screen, without what is above and below them."""
    rows = "\n".join(screen.split("\n")[:-2])
    first = _TITLE.search(rows)
    return rows[first.start() :].rstrip() if first else ""


def are_ready(screen: str, marks: str) -> bool:
    """Whether there are cards with these marks (`"✔○✖"`), and all of them have ended."""
    titles = list(_TITLE.finditer(screen))
    return "".join(title["mark"] for title in titles) == marks and not any(
        word in title["state"] for title in titles for word in _ON_ITS_WAY
    )


def choose_first(terminal: Terminal) -> None:
    """Choose the first of three responses to the first of three prompts."""
    terminal.wait_for(lambda screen: " 1/3 " in screen and are_ready(screen, "○○○"))
    terminal.press("1")
    terminal.wait_for(lambda screen: are_ready(screen, "✔○○"))


def assert_restored(terminal: Terminal) -> None:
    """The terminal is as the program found it."""
    raw = terminal.raw
    for on, off in _MODES:
        assert raw.rfind(off) > raw.rfind(on) >= 0, (on, terminal.picture())
    assert len(_KITTY_PUSH.findall(raw)) == raw.count(b"\x1b[<u")
    assert raw.count(b"\x1b[22;0t") == raw.count(b"\x1b[23;0t")  # the title
    assert terminal.has_its_settings


class Child:
    """The only process that a program has started."""

    def __init__(self, parent: int) -> None:
        self.pid = int(Path(f"/proc/{parent}/task/{parent}/children").read_text())
        self._ended = os.pidfd_open(self.pid)

    def wait_exit(self) -> None:
        """Wait until it has ended."""
        ready = select.select([self._ended], [], [], PATIENCE)[0]
        os.close(self._ended)
        assert ready, f"process {self.pid} is still there"


@contextmanager
def serving(server: ChatServer) -> Iterator[ChatServer]:
    """Run a server of the suite's own beside a synchronous test."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(PATIENCE)
        try:
            yield server
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(), loop).result(PATIENCE)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
