"""The program run by somebody whom permissions stop, also where tests run as root."""

from __future__ import annotations

import os
import subprocess
from shutil import which

import pytest

from tests.terminal.program import PROGRAM, Person

_STOPPED = (
    ()
    if os.geteuid() != 0
    else (
        "setpriv",
        *(f"--{each}=-dac_override,-dac_read_search" for each in ("inh-caps", "bounding-set")),
    )
)


def run_unprivileged(person: Person, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    if _STOPPED and which("setpriv") is None:
        pytest.skip("it takes setpriv to give up root's privileges")
    return subprocess.run(
        [*_STOPPED, *PROGRAM, *arguments],
        env=person.environment,
        cwd=person.folder,
        capture_output=True,
        text=True,
        check=False,
    )
