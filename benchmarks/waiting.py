"""How long somebody waits who labels at a steady pace, where the server is fast enough and not.

A scripted annotator labels over the real service, store and HTTP. Reading and completions are
shorter than in life by a factor, and the figures are told as they would be in life.

    .venv/bin/python -m benchmarks.waiting                # ten times faster than life: two minutes
    .venv/bin/python -m benchmarks.waiting --faster 1     # at the pace of life: twenty minutes
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from benchmarks.common import note, print_table
from benchmarks.contenders import one_at_a_time
from benchmarks.server import Pace, serving
from tests.service.desk import desk, prompts

_SHARE_WITHOUT_AHEAD = 5
_FEW_GROUPS = 5
"""Groups for the old way; the rest of its time follows from them."""


@dataclass(frozen=True, slots=True)
class Job:
    """A person and a server; all times as they would be in life."""

    groups: int
    n: int
    reading: float
    """Seconds that the person takes for a group once it is there."""
    pace: Pace
    faster: float
    """Than life."""

    @property
    def group_seconds(self) -> float:
        """What the server needs for a group when all its slots are busy."""
        return self.n * self.pace.seconds / self.pace.slots

    @property
    def shortened(self) -> Pace:
        """The server as it runs."""
        return Pace(self.pace.slots, self.pace.seconds / self.faster, self.pace.pieces)


def least_waits(job: Job, turns: Sequence[float]) -> list[float]:
    """How long each group has to be waited for, if every slot is busy from the start on.

    `turns` is how long the person had each group on screen once it was there.
    """
    slots = [0.0] * job.pace.slots
    now, waits = 0.0, []
    for turn in turns:
        ready = 0.0
        for _ in range(job.n):
            ready = heapq.heappop(slots) + job.pace.seconds
            heapq.heappush(slots, ready)
        waits.append(max(0.0, ready - now))
        now = max(now, ready) + turn
    return waits


@dataclass(frozen=True, slots=True)
class Labelled:
    """How it went, group by group, in seconds as they would be in life."""

    waits: list[float]
    turns: list[float]
    """From a group that is there to the next one on screen: reading, and two commits."""


async def _label(job: Job, base_url: str, folder: Path, ahead: int | None) -> Labelled:
    given = prompts(*(f"Question {number}" for number in range(job.groups)))
    labelled = Labelled([], [])
    shown = monotonic()
    async with desk(folder, base_url, given, n=job.n, ahead=ahead) as here:
        for _ in range(job.groups):
            await here.until_ended()
            ready = monotonic()
            labelled.waits.append((ready - shown) * job.faster)
            await asyncio.sleep(job.reading / job.faster)
            await here.label(0)
            shown = monotonic()
            labelled.turns.append((shown - ready) * job.faster)
    return labelled


def _service(job: Job, ahead: int | None = None) -> Labelled:
    with serving(job.shortened) as base_url, TemporaryDirectory() as folder:
        return asyncio.run(_label(job, base_url, Path(folder), ahead))


def _row(name: str, first: float, after: float, least: float) -> tuple[str, ...]:
    ratio = f"{after / least:.3f}" if least else ""
    return name, f"{first:.2f}", f"{after:.2f}", f"{least:.2f}", ratio


def _rows(job: Job) -> list[tuple[str, ...]]:
    speed = f"{job.group_seconds:g} s a group"
    note(f"{speed}: the service ...")
    ours = _service(job)
    least = sum(least_waits(job, ours.turns)[1:])
    rows = [_row(f"{speed}: the service", ours.waits[0], sum(ours.waits[1:]), least)]
    note(f"{speed}: without look-ahead ...")
    few = Job(job.groups // _SHARE_WITHOUT_AHEAD, job.n, job.reading, job.pace, job.faster)
    waits = _service(few, ahead=0).waits
    after = sum(waits[1:]) / (len(waits) - 1) * (job.groups - 1)
    rows.append(_row(f"{speed}: no look-ahead (from {few.groups})", waits[0], after, least))
    note(f"{speed}: all first ...")
    with serving(job.shortened) as base_url:
        began = monotonic()
        one_at_a_time(base_url, _FEW_GROUPS, job.n)
        seconds = (monotonic() - began) * job.faster * job.groups / _FEW_GROUPS
    rows.append(_row(f"{speed}: all generated first (from {_FEW_GROUPS})", seconds, 0.0, 0.0))
    return rows


def main() -> None:
    """Measure with a server that is fast enough, and with one that isn't."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--groups", type=int, default=100)
    parser.add_argument("--reading", type=float, default=3.0, help="seconds a group")
    parser.add_argument("--faster", type=float, default=10.0, help="than life")
    given = parser.parse_args()
    jobs = [
        Job(given.groups, 4, given.reading, Pace(slots=8, seconds=seconds), given.faster)
        for seconds in (1.0, 8.0)
    ]
    print_table(
        f"{given.groups} groups x 4, {given.reading:g} s reading each, 8 slots; seconds waited"
        f" (run {given.faster:g}x faster than life)",
        ("the server needs", "for the first group", "after it", "limit", "x limit"),
        [row for job in jobs for row in _rows(job)],
    )


if __name__ == "__main__":
    main()
