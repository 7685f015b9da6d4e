"""Whether the memory of `generate` stays the same, however many groups there are.

.venv/bin/python -m benchmarks.memory
"""

from __future__ import annotations

import argparse
import subprocess
import time
from pathlib import Path

from benchmarks.common import ROOT, note, print_table, workplace
from benchmarks.server import Pace, read_stats, serving

_LOOK_SECONDS = 0.05
_SAMPLES = 10
_N = 2


def _resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)


def _measure(groups: int) -> list[tuple[int, float, float]]:
    """Groups generated, seconds, and MB, ten times on the way."""
    pace = Pace(slots=8, seconds=0.0, pieces=4)
    samples: list[tuple[int, float, float]] = []
    with serving(pace) as base_url, workplace(base_url, groups) as place:
        began = time.monotonic()
        with subprocess.Popen(
            place.command("generate", _N),
            env=place.environment,
            cwd=ROOT,
            stderr=subprocess.DEVNULL,
        ) as process:
            # The last sample is taken just before the end: afterwards there is nothing to measure.
            for sample in range(1, _SAMPLES + 1):
                wanted = groups * sample // _SAMPLES - (10 if sample == _SAMPLES else 0)
                while read_stats(base_url).completions < wanted * _N:
                    time.sleep(_LOOK_SECONDS)
                samples.append((wanted, time.monotonic() - began, _resident_mb(process.pid)))
                note(f"{wanted} groups ...")
        assert process.returncode == 0
    return samples


def main() -> None:
    """Measure one run."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--groups", type=int, default=10_000)
    given = parser.parse_args()
    samples = _measure(given.groups)
    first = samples[0][2]
    print_table(
        f"generate of {given.groups:,} groups x {_N}",
        ("groups", "seconds", "MB resident", "against the first"),
        [
            (f"{groups:,}", f"{seconds:.1f}", f"{mb:.1f}", f"{mb - first:+.1f}")
            for groups, seconds, mb in samples
        ],
    )


if __name__ == "__main__":
    main()
