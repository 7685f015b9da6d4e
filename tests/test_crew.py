"""Work shared out to processes: real ones."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dpo_tui.crew import Alone, Team, crew, growing
from dpo_tui.errors import HelperError, InputError

ROOT = Path(__file__).parents[1]


class Worker:
    def __init__(self, base: int) -> None:
        self.base = base

    def rebase(self, base: int) -> None:
        self.base = base

    def add(self, number: int) -> int:
        # The later one is asked for, the sooner it is done.
        time.sleep((7 - number % 7) / 1000)
        sys.stdout.write("what a library says")
        os.write(1, b"what a library in C says")
        return self.base + number

    def echo(self, data: bytes) -> bytes:
        return data

    def pid(self) -> int:
        return os.getpid()

    def process(self, _: int) -> int:
        return os.getpid()

    def refuse(self, number: int) -> int:
        raise InputError(f"not {number}", remedy="Take another one.")

    def break_down(self) -> None:
        raise KeyError("missing")

    def end(self, number: int) -> int:
        if number == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return number


@contextmanager
def working(base: int) -> Iterator[Worker]:
    if base < 0:
        raise InputError("too little")
    try:
        yield Worker(base)
    except KeyError as error:
        raise InputError("translated by what made the worker") from error


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the processes find this module."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def results(team: Team[Worker]) -> list[int]:
    team.all(Worker.rebase, 200)
    return [*team.map(Worker.add, range(50))]


def test_several_give_what_one_gives_in_the_same_order() -> None:
    with crew(3, working, 100) as team:
        assert results(team) == results(Alone(Worker(0))) == [*range(200, 250)]


def test_each_has_a_process_that_ends_with_the_block() -> None:
    with crew(3, working, 0) as team:
        pids = team.all(Worker.pid)
        assert len({*pids, os.getpid()}) == 4
    assert not any(map(is_there, pids))


def test_results_that_nobody_takes_hold_the_work_up() -> None:
    asked = []

    def items() -> Iterator[int]:
        for number in range(100):
            asked.append(number)
            yield number

    with crew(2, working, 0) as team:
        found = team.map(Worker.add, items())
        for _ in range(10):
            next(found)
        assert len(asked) <= 10 + 2 * 3 + 1


@pytest.mark.parametrize("pipe", [1 << 20, 1 << 12])
def test_whatever_fits_in_no_pipe_comes_and_goes(
    pipe: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dpo_tui.crew._PIPE", pipe)
    sizes = [0, 1, 3_000_000, 5, 700_000, 700_000, 400_000, 600_000, 1_048_576, 2, 900_000] * 3
    items = [bytes([number % 251]) * size for number, size in enumerate(sizes)]
    with crew(2, working, 0) as team:
        assert [*team.map(Worker.echo, items)] == items


def test_an_error_of_a_worker_is_raised_as_it_was() -> None:
    with crew(2, working, 0) as team, pytest.raises(InputError, match="not 5") as caught:
        [*team.map(Worker.refuse, [5])]
    assert caught.value.remedy == "Take another one."
    with crew(1, working, 0) as team, pytest.raises(InputError, match="translated"):
        team.all(Worker.break_down)
    with crew(2, working, -1) as team, pytest.raises(InputError, match="too little"):
        team.all(Worker.pid)


def test_the_end_of_a_process_is_told() -> None:
    with crew(2, working, 0) as team:
        pids = [*team.all(Worker.pid)]
        with pytest.raises(HelperError, match="SIGKILL"):
            [*team.map(Worker.end, range(10))]
    assert not any(map(is_there, pids))


def test_a_process_that_cannot_be_started_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(HelperError, match="can't be started"), crew(2, working, 0):
        pass


def test_answers_that_nobody_waited_for_are_not_taken_for_others() -> None:
    with crew(2, working, 0) as team:
        found = team.map(Worker.add, range(50))
        assert next(found) == 0
        found.close()
        assert [*team.map(Worker.add, range(100, 110))] == [*range(100, 110)]
        assert len({*team.all(Worker.pid)}) == 2


@pytest.mark.parametrize("count", [3, 4, 5, 30])
def test_others_are_called_in_where_there_is_much_to_do(count: int) -> None:
    with growing(2, 4, working, 100) as team:
        for _ in range(2):
            assert [*team.map(Worker.add, range(count))] == [100 + each for each in range(count)]
        pids = {*team.map(Worker.process, range(count))}
        assert pids.isdisjoint({os.getpid()}) == (count > 4)


def test_on_one_core_nobody_is_called_in() -> None:
    with growing(1, 4, working, 0) as team:
        assert {*team.map(Worker.process, range(30))} == {os.getpid()}
