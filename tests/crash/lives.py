"""A person who labels with a program that dies again and again, and looks what became of it.

The keys are random and valid. A key counts as done once what it does is painted; the one under way
when the program dies may have been done or not.
"""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from random import Random
from typing import Literal, NamedTuple, TypeAlias

from dpo_tui.domain.model import Group, Mark
from dpo_tui.store.database import read_only
from dpo_tui.store.groups import load_group
from tests.crash.faults import Faults
from tests.crash.memory import Memory
from tests.terminal.program import ANNOTATOR, Person, are_ready, cards, expected_rows
from tests.terminal.terminal import Terminal

GROUPS = 8
RESPONSES = 3
KILLS = 10
"""Kills in one session."""

_ENDED = "Every group is decided"
_CALLS_OF_A_START = 90
_CALLS_OF_A_FEW_KEYS = 90
_EQUAL = "are equally good"
_FLAGGED = "⚑ flagged"
_TEXT = re.compile(r"Response (\d+) to")


Command: TypeAlias = Literal["confirm", "undo", "redo"]


class Step(NamedTuple):
    """What a key does."""

    keys: Sequence[str]
    after: Memory
    is_painted: Callable[[str], object]


class Lives:
    """One session of a person whose program is killed; `log` tells what was done."""

    def __init__(self, root: Path, server: str, seed: int, library: Path | None) -> None:
        self._random = Random(seed)
        self._person = Person(root, server=server)
        self._person.prompts(*(f"prompt {number}" for number in range(GROUPS)))
        self._faults = Faults(library, root / "control") if library else None
        self._allowed = [Memory.of_nothing(GROUPS, RESPONSES)]
        """What the session may say at the next start: the last one is what was asked for."""
        self._foreign: list[bytes] = []
        self._texts: dict[int, str] = {}
        """Responses that were in the session once, by id."""
        self._read: set[str] = set()
        """Numbers of the responses that were on the screen in full."""
        self.log = [f"seed {seed}"]

    def run(self) -> int:
        """Live `KILLS` times, and once more to the end; how often the program was killed.

        Raises:
            AssertionError: something was lost, doubled or torn.
        """
        return self._told(self._live_at_random)

    def run_every_call(self, what: Command) -> int:
        """Die at the first call of a command, then at its second, until one is survived.

        Raises:
            AssertionError: something was lost, doubled or torn.
        """
        return self._told(lambda: self._die_at_every_call(what))

    def _told(self, work: Callable[[], int]) -> int:
        try:
            kills = work()
            self._end()
        except BaseException as error:
            error.add_note("\n".join(self.log))
            raise
        finally:
            if self._faults:
                self._faults.__exit__()
        return kills

    def _live_at_random(self) -> int:
        kills = 0
        while kills < KILLS:
            kills += self._live()
        return kills

    def _die_at_every_call(self, what: Command) -> int:
        assert self._faults
        for calls in count(1):
            with self._start() as terminal:
                assert self._look(terminal)
                while step := _before(what, self._allowed[-1]):
                    assert self._takes(terminal, [step])
                self.log.append(f"die in {calls} calls")
                self._faults.die_in(calls, torn=bool(calls % 2))
                if self._takes(terminal, [_COMMANDS[what](self._allowed[-1])]):
                    # The dataset file follows behind the screen: it may die there yet, or leaving.
                    terminal.press("q")
                    if terminal.wait_exit() == 0:
                        self._faults.cease()
                        return calls - 1
                    self._has_died(terminal, [])
        raise AssertionError

    # --- one life --------------------------------------------------------------------------------

    def _start(self) -> Terminal:
        faults = self._faults
        variables = faults.environment if faults else {}
        words = ("annotate", "prompts.toml", "-n", str(RESPONSES), "--annotator", ANNOTATOR)
        return self._person.start(*words, "--ahead", "1", cols=100, rows=36, **variables)

    def _live(self) -> bool:
        """Start, look, press some keys, die; False if it was left alive and went in peace."""
        with self._start() as terminal:
            if self._chance(0.25) and self._faults:
                self._arm(_CALLS_OF_A_START)
            if not self._look(terminal):
                return True
            if self._chance(0.7) and self._faults:
                self._arm(_CALLS_OF_A_FEW_KEYS)
            for _ in range(self._random.randrange(12)):
                if not self._do(terminal):
                    return True
            return self._kill(terminal)

    def _arm(self, calls: int) -> None:
        assert self._faults
        number, torn = self._random.randint(1, calls), self._chance(0.5)
        self.log.append(f"die in {number} calls{', torn' * torn}")
        self._faults.die_in(number, torn=torn)

    def _kill(self, terminal: Terminal) -> bool:
        """Press one more key, and kill the program whatever it is at."""
        steps = self._steps()
        self._press(terminal, steps)
        seconds = self._random.choice([0.0, 0.001, 0.01, 0.03, 0.1])
        self.log.append(f"kill after {seconds} s")
        time.sleep(seconds)  # a moment to die at is no state to wait for
        terminal.kill(signal.SIGKILL)
        return self._has_died(terminal, steps)

    def _has_died(self, terminal: Terminal, steps: Sequence[Step]) -> bool:
        """Take in what the program painted at last; what it shows as done is done."""
        code = terminal.wait_exit()
        assert code == -signal.SIGKILL, (code, terminal.picture())
        if steps and steps[-1].is_painted(terminal.screen()):
            self._allowed = [steps[-1].after]
        if self._faults:
            self._faults.cease()
        self.log.append("dead")
        if self._chance(0.2):
            self._append_foreign()
        return True

    def _end(self) -> None:
        """Start once more, and leave as it is meant."""
        with self._start() as terminal:
            assert self._look(terminal)
            terminal.press("q")
            assert terminal.wait_exit() == 0, terminal.picture()
        with closing(sqlite3.connect(self._person.session())) as session:
            assert session.execute("PRAGMA integrity_check").fetchone() == ("ok",)

    # --- keys ------------------------------------------------------------------------------------

    def _do(self, terminal: Terminal) -> bool:
        """Do something and wait until it is painted; False if the program died of it."""
        if self._chance(0.15):
            self._append_foreign()
        return self._takes(terminal, self._steps())

    def _takes(self, terminal: Terminal, steps: Sequence[Step]) -> bool:
        self._press(terminal, steps)
        if not self._sees(terminal, steps[-1].is_painted):
            return not self._has_died(terminal, steps)
        self._allowed = [steps[-1].after]
        return self._reads(terminal)

    def _press(self, terminal: Terminal, steps: Sequence[Step]) -> None:
        keys = [key for step in steps for key in step.keys]
        self.log.append(" ".join(keys))
        self._allowed += [step.after for step in steps]
        terminal.press(*keys)
        if self._chance(0.1):
            self._append_foreign()

    def _reads(self, terminal: Terminal) -> bool:
        """Wait until the responses of the group on screen are there; False if the program died."""
        now = self._allowed[-1]
        if not self._sees(terminal, lambda screen: _shows(screen, now)):
            return not self._has_died(terminal, ())
        self._read |= set(_TEXT.findall(cards(terminal.screen())))
        return True

    def _sees(self, terminal: Terminal, is_painted: Callable[[str], object]) -> bool:
        try:
            terminal.wait_for(is_painted)
        except AssertionError as error:
            try:
                terminal.wait_exit(timeout=1)
            except AssertionError:
                raise error from None
            return False
        return True

    def _steps(self) -> list[Step]:
        """What to do next; several marks can be typed ahead."""
        now = self._allowed[-1]
        if now.at is None or (now.decisions and self._chance(0.15)):
            return [_undo(now)]
        if now.taken_back and self._chance(0.3):
            return [_redo(now)]
        if step := self._other_than_marking(now):
            return [step]
        steps: list[Step] = []
        painted = [now.symbols]
        for _ in range(self._random.randrange(4)):
            step = self._marking(now)
            # Else it couldn't be told whether all of them are done.
            if step.after.symbols not in painted:
                steps.append(step)
                now = step.after
                painted.append(now.symbols)
        if not steps or self._chance(0.4):
            steps.append(_confirm(now))
        return steps

    def _other_than_marking(self, now: Memory) -> Step | None:
        """Now and then, something that is done alone."""
        choice = self._random.random()
        sets = len(now.work.marks)
        steps: tuple[tuple[float, bool, Callable[[Memory], Step]], ...] = (
            (0.07, True, _skip),
            (0.12, sets < 3, self._regenerate),
            (0.2, sets > 1, _turn),
            (0.24, True, _flag),
            (0.3, now.shown.count(Mark.CHOSEN) > 1, _tie),
        )
        return next(
            (make(now) for limit, is_possible, make in steps if choice < limit and is_possible),
            None,
        )

    def _regenerate(self, now: Memory) -> Step:
        after = now.regenerated()
        at = f"set {len(after.work.marks)} of {len(after.work.marks)}"
        # The cards come behind that: those of the set before are gone then.
        return Step(
            ["r"],
            after,
            lambda screen: at in screen and self._read.isdisjoint(_TEXT.findall(cards(screen))),
        )

    def _marking(self, now: Memory) -> Step:
        """Say something of the responses on screen."""
        slot = self._random.randrange(RESPONSES)
        choice = self._random.random()
        if choice < 0.1:
            return _all(now, Mark.CHOSEN)
        if choice < 0.15:
            return _all(now, Mark.REJECTED)
        if choice < 0.3:
            return _best(now, slot)
        return _toggle(now, slot, Mark.EXCLUDED if choice < 0.5 else Mark.CHOSEN)

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _append_foreign(self) -> None:
        """A line of somebody who doesn't know of the program, and doesn't look what is there."""
        line = json.dumps({"foreign": len(self._foreign)}).encode()
        self.log.append(f"foreign line {len(self._foreign)}")
        self._foreign.append(line)
        with self._dataset.open("ab") as file:
            file.write(line + b"\n")

    # --- looking ---------------------------------------------------------------------------------

    @property
    def _dataset(self) -> Path:
        return self._person.folder / "prompts.dpo.jsonl"

    def _look(self, terminal: Terminal) -> bool:
        """Compare what there is after a start with what is remembered; False if it died again."""
        allowed = [each.reopened() for each in self._allowed]
        if not self._sees(terminal, lambda screen: any(_shows(screen, each) for each in allowed)):
            self._allowed = allowed
            return not self._has_died(terminal, ())
        groups = self._groups()
        self._allowed = [each for each in allowed if each.is_told_by(groups)][-1:]
        assert self._allowed, f"the session says {groups}\n{terminal.picture()}"
        if not self._reads(terminal):
            return False
        self._look_at_responses()
        self._look_at_dataset(groups)
        return True

    def _groups(self) -> list[Group]:
        with read_only(self._person.session()) as connection:
            return [load_group(connection, number, 1, ANNOTATOR) for number in range(1, GROUPS + 1)]

    def _look_at_responses(self) -> None:
        with read_only(self._person.session()) as connection:
            rows = connection.execute("SELECT id, text FROM responses").fetchall()
            twice = "SELECT 1 FROM responses GROUP BY group_id, set_no, slot HAVING count(*) > 1"
            assert connection.execute(twice).fetchall() == []
        texts = {number: text.decode() for number, text in rows}
        assert self._texts.items() <= texts.items(), "a response was lost or changed"
        self._texts = texts
        numbers = {number for text in texts.values() for number in _TEXT.findall(text)}
        assert self._read <= numbers, "a response was painted and is not in the session"

    def _look_at_dataset(self, groups: Sequence[Group]) -> None:
        content = self._dataset.read_bytes() if self._dataset.exists() else b""
        assert not content or content.endswith(b"\n"), content[-200:]
        lines = content.splitlines()
        for line in lines:
            json.loads(line)
        foreign = [line for line in lines if line.startswith(b'{"foreign"')]
        assert foreign == self._foreign
        ours = [json.dumps(row, ensure_ascii=False).encode() for row in expected_rows(groups)]
        assert Counter(lines) == Counter([*ours, *foreign])


def _shows(screen: str, memory: Memory) -> bool:
    """Whether this is what there is to label."""
    if memory.at is None:
        return _ENDED in screen
    return (
        f" {memory.at + 1}/{GROUPS} " in screen
        and are_ready(screen, memory.symbols)
        and (_EQUAL in screen) == memory.said.tie
        and (_FLAGGED in screen) == memory.work.flagged
    )


def _toggle(now: Memory, slot: int, mark: Mark) -> Step:
    after = now.toggled(slot, mark)
    keys = [str(slot + 1)] if mark is Mark.CHOSEN else ["home", *("j" * slot), "x"]
    return Step(keys, after, lambda screen: are_ready(screen, after.symbols))


def _all(now: Memory, mark: Mark) -> Step:
    after = now.all_marked(mark)
    keys = ["a"] if mark is Mark.CHOSEN else ["0"]
    return Step(keys, after, lambda screen: are_ready(screen, after.symbols))


def _best(now: Memory, slot: int) -> Step:
    after = now.with_best(slot)
    keys = ["home", *("j" * slot), "b"]
    return Step(keys, after, lambda screen: are_ready(screen, after.symbols))


def _tie(now: Memory) -> Step:
    after = now.with_tie()
    return Step(
        ["="],
        after,
        lambda screen: are_ready(screen, after.symbols) and (_EQUAL in screen) == after.said.tie,
    )


def _flag(now: Memory) -> Step:
    after = now.with_flag()
    return Step(["f"], after, lambda screen: (_FLAGGED in screen) == after.work.flagged)


def _confirm(now: Memory) -> Step:
    return _saying("enter", f"group {(now.at or 0) + 1} confirmed", now.confirmed())


def _skip(now: Memory) -> Step:
    return _saying("s", f"group {(now.at or 0) + 1} skipped", now.skipped())


def _undo(now: Memory) -> Step:
    after = now.undone()
    return _saying("u", f"group {(after.at or 0) + 1} is open again", after)


def _redo(now: Memory) -> Step:
    position, work = now.taken_back[-1]
    return _saying("U", f"group {position + 1} {work.verdict} again", now.redone())


def _before(what: Command, now: Memory) -> Step | None:
    """What has to be done first, so that a command finds always the same."""
    if (what == "undo" and now.decisions) or (what == "redo" and now.taken_back):
        return None
    if what == "undo" and now.taken_back:
        return _redo(now)
    if now.decisions:
        return _undo(now)
    if Mark.CHOSEN not in now.shown:
        return _toggle(now, 0, Mark.CHOSEN)
    return None if what == "confirm" else _confirm(now)


_COMMANDS: dict[Command, Callable[[Memory], Step]] = {
    "confirm": _confirm,
    "undo": _undo,
    "redo": _redo,
}


def _turn(now: Memory) -> Step:
    after = now.turned()
    return _saying("v", f"this is set {after.work.set_no}", after)


def _saying(key: str, word: str, after: Memory) -> Step:
    return Step([key], after, lambda screen: word in screen)
