"""Faults of the disk on order: the program dies, or its calls fail, at a system call.

A small library (`faults.c`) stands between the program and the C library, and so between SQLite and
the disk too. It takes a C compiler; without one there is only what the system itself refuses.
"""

from __future__ import annotations

import mmap
import os
import struct
import subprocess
from pathlib import Path
from shutil import which
from typing import Self

SOURCE = Path(__file__).with_name("faults.c")
COMPILER = which("cc") or which("gcc")

_CONTROL = struct.Struct("=6q208s")
"""As in `faults.c`."""
_CALLS, _DIE_AT, _TORN, _FAIL_AT, _ERROR, _REFUSED, _ONLY = range(0, 56, 8)


def compile_faults(folder: Path) -> Path:
    """Build the library; there has to be a compiler."""
    assert COMPILER
    library = folder / "faults.so"
    flags = ["-O1", "-Wall", "-Werror", "-shared", "-fPIC"]
    subprocess.run([COMPILER, *flags, "-o", str(library), str(SOURCE), "-ldl"], check=True)
    return library


class Faults:
    """What is to happen to the programs that are started with `environment`."""

    def __init__(self, library: Path, control: Path) -> None:
        control.write_bytes(bytes(_CONTROL.size))
        with control.open("r+b") as file:
            self._control = mmap.mmap(file.fileno(), _CONTROL.size)
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAULTS_CONTROL": str(control),
            # Else it would be the first start of all that writes the most.
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._control.close()

    @property
    def calls(self) -> int:
        """How many calls that change files were made so far."""
        return self._get(_CALLS)

    @property
    def refused(self) -> int:
        """How many calls failed since `fail`."""
        return self._get(_REFUSED)

    def die_in(self, calls: int, *, torn: bool = False) -> None:
        """Kill the program right before the so-manieth call from now.

        `torn` lets a write at that call write its first half.
        """
        self._put(_TORN, int(torn))
        self._put(_DIE_AT, self.calls + calls)

    def fail(self, error: int, only: str = "", *, after: int = 0) -> None:
        """Let all calls after some fail with this errno, on files with `only` in their path.

        Opening a file for writing fails as well.
        """
        self._control[_ONLY:] = os.fsencode(only).ljust(208, b"\0")
        self._put(_REFUSED, 0)
        self._put(_FAIL_AT, self.calls + after + 1)
        self._put(_ERROR, error)

    def cease(self) -> None:
        """Let everything work."""
        self._put(_DIE_AT, 0)
        self._put(_ERROR, 0)

    def _get(self, at: int) -> int:
        return int.from_bytes(self._control[at : at + 8], "little")

    def _put(self, at: int, value: int) -> None:
        self._control[at : at + 8] = value.to_bytes(8, "little")
