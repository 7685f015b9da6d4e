"""The long run: `python -m tests.crash 1000` kills the program so many times, and says so."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.crash.faults import COMPILER, compile_faults
from tests.crash.lives import KILLS, Lives
from tests.servers.process import persona_process


def one_session(seed: int, server: str, library: Path | None) -> int:
    """How often the program was killed in the session of this seed."""
    with TemporaryDirectory() as folder:
        return Lives(Path(folder), server, seed, library).run()


def main() -> None:
    """Read the arguments and run, several sessions at once."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash")
    parser.add_argument("kills", type=int, nargs="?", default=1000)
    parser.add_argument("--seed", type=int, default=1000, help="of the first session")
    arguments = parser.parse_args()
    sessions = -(-arguments.kills // KILLS)
    seeds = range(arguments.seed, arguments.seed + sessions)
    with (
        persona_process("echo", slots=64) as server,
        TemporaryDirectory() as folder,
        ProcessPoolExecutor(os.cpu_count()) as workers,
    ):
        library = compile_faults(Path(folder)) if COMPILER else None
        kills: Iterator[int] = workers.map(one_session, seeds, repeat(server), repeat(library))
        total = 0
        for number, count in enumerate(kills, 1):
            total += count
            print(f"\r{total} kills, session {number} of {sessions}", end="", flush=True)  # noqa: T201 (a script)
    how = "anywhere, and at system calls" if library else "anywhere (no C compiler)"
    print(f"\n{total} kills {how}: 0 lost, 0 doubled, 0 torn")  # noqa: T201 (a script)


if __name__ == "__main__":
    main()
