from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.faults import COMPILER, Faults, compile_faults
from tests.servers.process import persona_process


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with persona_process("echo") as url:
        yield url


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """None where there is no C compiler."""
    return compile_faults(tmp_path_factory.mktemp("faults")) if COMPILER else None


@pytest.fixture
def faults(tmp_path: Path, library: Path | None) -> Iterator[Faults]:
    if library is None:
        pytest.skip("faults of system calls take a C compiler")
    with Faults(library, tmp_path / "control") as faults:
        yield faults
