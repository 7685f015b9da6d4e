"""A persona in a process of its own, for tests that are synchronous or run the real program."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextmanager
def persona_process(
    name: str, *, port: int = 0, token_delay: float = 0.0, slots: int = 8
) -> Iterator[str]:
    """Run a persona and give its base URL."""
    command = [sys.executable, "-m", "tests.servers.personas", name, f"--port={port}"]
    options = [f"--token-delay={token_delay}", f"--slots={slots}"]
    with subprocess.Popen(
        [*command, *options],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()
