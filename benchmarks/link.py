"""A program in a pseudo-terminal, byte by byte: nothing is painted, so that nothing disturbs."""

from __future__ import annotations

import os
import select
import subprocess
import termios
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

PATIENCE = 30.0


class Link:
    """The other end of the program's terminal. Use it as a context manager; it kills at the end."""

    def __init__(
        self, argv: Sequence[str], env: Mapping[str, str], cols: int = 120, rows: int = 40
    ) -> None:
        self.received = bytearray()
        """What the program has written since the last `forget`."""
        self.total = 0
        """Bytes that it has written at all."""
        self.came = 0.0
        """The monotonic moment at which the last of them came."""
        self._master, slave = os.openpty()
        try:
            termios.tcsetwinsize(slave, (rows, cols))
            self.launched = monotonic()
            self._process = subprocess.Popen(
                argv, stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True
            )
        finally:
            os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    def cpu_seconds(self) -> float:
        """What the program has used of a core so far, in user and kernel mode."""
        # proc(5): the name, field 2, can hold blanks and ends with the last bracket.
        stat = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="utf-8")
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def send(self, keys: str) -> None:
        """Type."""
        os.write(self._master, keys.encode())

    def forget(self) -> None:
        """What has come so far doesn't count any more."""
        self.received.clear()

    def read_for(self, seconds: float) -> None:
        """Take in what comes."""
        deadline = monotonic() + seconds
        self._read_until(lambda: False, deadline)

    def wait_for(self, wanted: str, seconds: float = PATIENCE) -> float | None:
        """The monotonic moment at which these bytes had come since `forget`; None if they don't."""
        sought = wanted.encode()
        return self._read_until(lambda: sought in self.received, monotonic() + seconds)

    def _read_until(self, is_met: Callable[[], bool], deadline: float) -> float | None:
        while not is_met():
            left = deadline - monotonic()
            if left <= 0 or not select.select([self._master], [], [], left)[0]:
                return None
            try:
                data = os.read(self._master, 65536)
            except OSError as error:  # nobody holds the other end any more
                said = self.received.decode(errors="replace")
                raise AssertionError(f"the program has ended:\n{said}") from error
            self.came = monotonic()
            self.total += len(data)
            self.received += data
        return monotonic()
