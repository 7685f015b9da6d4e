"""Killed at any moment, and between any two system calls, the program loses and doubles nothing."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from tests.crash.faults import COMPILER
from tests.crash.lives import Command, Lives


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_lost_and_nothing_doubled(
    tmp_path: Path, server: str, library: Path | None, seed: int
) -> None:
    assert Lives(tmp_path, server, seed, library).run() >= 10


@pytest.mark.skipif(COMPILER is None, reason="faults of system calls take a C compiler")
@pytest.mark.parametrize("command", get_args(Command))
def test_killed_at_every_call_of_a_command(
    tmp_path: Path, server: str, library: Path | None, command: Command
) -> None:
    assert Lives(tmp_path, server, 0, library).run_every_call(command) >= 10
