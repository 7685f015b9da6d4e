"""How fast `generate` fills a session, beside other ways to do it and the server's own limit.

.venv/bin/python -m benchmarks.throughput              # 200 groups: six minutes
.venv/bin/python -m benchmarks.throughput --groups 20
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from benchmarks.common import ROOT, Workplace, note, print_table, workplace
from benchmarks.server import Pace, Stats, read_stats, serving

_FEW_GROUPS = 5
"""Groups for the way that takes minutes; the rest of its time follows from them."""


@dataclass(frozen=True, slots=True)
class Job:
    """What every way has to do."""

    groups: int
    n: int
    pace: Pace

    @property
    def limit(self) -> float:
        """Seconds that no way can do without: every slot busy all the time."""
        return self.groups * self.n * self.pace.seconds / self.pace.slots


@dataclass(frozen=True, slots=True)
class Run:
    """One way, measured."""

    name: str
    seconds: float
    """From launch to exit."""
    before: float
    """From launch to the first request."""
    after: float
    """From the last completion to the exit."""
    use: float
    """Share of the slots that was busy between first request and last completion."""


def _run(name: str, job: Job, command: Sequence[str], place: Workplace) -> Run:
    note(f"{name} ...")
    base_url = place.environment["DPO_TUI_BASE_URL"]
    began = monotonic()
    subprocess.run(command, env=place.environment, cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
    ended = monotonic()
    return _measured(name, job, began, ended, read_stats(base_url))


def _measured(name: str, job: Job, began: float, ended: float, stats: Stats) -> Run:
    assert stats.completions == job.groups * job.n, stats
    assert stats.first_request is not None
    assert stats.last_end is not None
    available = (stats.last_end - stats.first_request) * job.pace.slots
    return Run(
        name,
        ended - began,
        stats.first_request - began,
        ended - stats.last_end,
        stats.busy_seconds / available,
    )


def _generate(job: Job) -> Run:
    name = "generate, n honoured" if job.pace.takes_n else "generate, n ignored"
    with serving(job.pace) as base_url, workplace(base_url, job.groups) as place:
        return _run(name, job, place.command("generate", job.n, job.pace.slots), place)


def _contender(name: str, way: str, job: Job) -> Run:
    with serving(job.pace) as base_url, workplace(base_url, job.groups) as place:
        module = [sys.executable, "-m", "benchmarks.contenders", way, base_url]
        return _run(name, job, [*module, f"--groups={job.groups}", f"-n{job.n}"], place)


def _one_at_a_time(job: Job) -> Run:
    few = Job(min(job.groups, _FEW_GROUPS), job.n, job.pace)
    run = _contender("one at a time", "one_at_a_time", few)
    fixed = run.before + run.after
    seconds = fixed + (run.seconds - fixed) * job.groups / few.groups
    name = f"{run.name} (from {few.groups} groups)"
    return Run(name, seconds, run.before, run.after, run.use)


def main() -> None:
    """Measure all of them, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--groups", type=int, default=200)
    parser.add_argument("-n", type=int, default=4, help="responses a group")
    parser.add_argument("--seconds", type=float, default=1.0, help="per completion")
    parser.add_argument("--runs", type=int, default=1, help="in turns; the quickest one counts")
    given = parser.parse_args()
    job = Job(given.groups, given.n, Pace(slots=8, seconds=given.seconds))
    ignoring = Job(given.groups, given.n, Pace(slots=8, seconds=given.seconds, takes_n=False))
    turns = [
        (
            _generate(job),
            _generate(ignoring),
            _contender("bare asyncio + httpx loop", "bare_loop", job),
        )
        for _ in range(given.runs)
    ]
    quickest = (min(way, key=lambda run: run.seconds) for way in zip(*turns, strict=True))
    runs = [*quickest, _one_at_a_time(job)]
    total = job.groups * job.n
    rows = [
        (
            run.name,
            f"{run.seconds:.2f}",
            f"{run.seconds / job.limit:.3f}",
            f"{total / run.seconds:.2f}",
            f"{run.before:.2f}",
            f"{run.after:.2f}",
            f"{run.use:.1%}",
        )
        for run in runs
    ]
    limit = ("physical limit", f"{job.limit:.2f}", "1.000", f"{total / job.limit:.2f}")
    print_table(
        f"{job.groups} groups x {job.n}, {job.pace.seconds:g} s a completion, "
        f"{job.pace.slots} slots",
        ("", "seconds", "x limit", "completions/s", "start-up", "at the end", "slots busy"),
        [*rows, (*limit, "", "", "100.0%")],
    )


if __name__ == "__main__":
    main()
