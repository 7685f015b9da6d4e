"""Processes that work on one session at once."""

from __future__ import annotations

from pathlib import Path

from tests.crash.hammer import hammer


def test_two_people_and_a_generator_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    assert hammer(tmp_path, 25, seed=1) == 50
