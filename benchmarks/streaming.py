"""What it costs to show 20 responses that stream at once, and how soon a key is answered meanwhile.

.venv/bin/python -m benchmarks.streaming
"""

from __future__ import annotations

import argparse
import random
from dataclasses import dataclass
from statistics import quantiles
from time import monotonic

from benchmarks.common import note, print_table, workplace
from benchmarks.link import Link
from benchmarks.server import FIRST_WORD, Pace, serving

_CHOSEN, _EXCLUDED = "✔ chosen", "✖ excluded"
_KEY_PATIENCE = 2.0
_MOVES = "jjjjkkkkjjkk"


@dataclass(slots=True)
class Run:
    """What was measured while the responses streamed."""

    name: str
    cpu: float
    """Share of one core."""
    kb_per_second: float
    latencies: list[float]
    """Seconds from a key to its mark on the terminal."""
    unseen: int = 0
    """Marks that did not show in time: their card was out of sight."""


class _Keyboard:
    """A person who marks and moves at random moments."""

    def __init__(self, link: Link, seed: int) -> None:
        self.latencies: list[float] = []
        self.unseen = 0
        self._link = link
        self._random = random.Random(seed)
        self._moves = 0

    def mark_and_move(self) -> None:
        """Choose a response, exclude it, take that back, go to the next one.

        At no moment is there a second mark of the same kind on the screen, so that its symbol can
        only come from this key.
        """
        self._press(" ", _CHOSEN)
        self._press("x", _EXCLUDED)
        self._pause()
        self._link.send("x")
        self._pause()
        self._link.send(_MOVES[self._moves % len(_MOVES)])
        self._moves += 1

    def _press(self, key: str, wanted: str) -> None:
        self._pause()
        self._link.forget()
        pressed = monotonic()
        self._link.send(key)
        seen = self._link.wait_for(wanted, _KEY_PATIENCE)
        if seen is None:
            self.unseen += 1
        else:
            self.latencies.append(seen - pressed)

    def _pause(self) -> None:
        self._link.read_for(self._random.uniform(0.05, 0.25))


def _measure(name: str, pace: Pace, seconds: float, *, keys: bool) -> Run:
    note(f"{name} ...")
    n = pace.slots
    with serving(pace) as base_url, workplace(base_url, prompts=1) as place:
        command = [*place.command("annotate", n, concurrency=n), "--max-tokens=100000"]
        with Link(command, place.environment, cols=120, rows=40) as link:
            assert link.wait_for(FIRST_WORD) is not None
            keyboard = _Keyboard(link, seed=1)
            link.read_for(0.5)  # the first frames have passed
            began, cpu, total = monotonic(), link.cpu_seconds(), link.total
            while monotonic() - began < seconds:
                if keys:
                    keyboard.mark_and_move()
                else:
                    link.forget()
                    link.read_for(1.0)
            elapsed = monotonic() - began
            return Run(
                name,
                (link.cpu_seconds() - cpu) / elapsed,
                (link.total - total) / elapsed / 1000,
                keyboard.latencies,
                keyboard.unseen,
            )


def _row(run: Run) -> tuple[str, ...]:
    load = (run.name, f"{run.cpu:.0%}", f"{run.kb_per_second:.1f}")
    if len(run.latencies) < 2:
        return (*load, "", "", "", "", "")
    percent = quantiles(run.latencies, n=100, method="inclusive")
    seen = [f"{each * 1000:.0f}" for each in (percent[49], percent[98], max(run.latencies))]
    return (*load, *seen, str(len(run.latencies)), str(run.unseen))


def main() -> None:
    """Measure with one stream for all responses and with one for each, with and without keys."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--responses", type=int, default=20)
    parser.add_argument("--rate", type=int, default=100, help="tokens a second, each")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each measurement")
    given = parser.parse_args()
    # Long enough that no response ends while it is being measured.
    life = 2 * given.seconds + 20
    runs = [
        _measure(
            f"{streams}, {'with' if keys else 'no'} keys",
            Pace(given.responses, life, round(life * given.rate), takes_n=takes_n),
            given.seconds,
            keys=keys,
        )
        for takes_n, streams in ((True, "one stream"), (False, "a stream each"))
        for keys in (False, True)
    ]
    print_table(
        f"{given.responses} responses at {given.rate} tokens/s each, 120x40",
        ("", "CPU", "kB/s", "key p50 ms", "p99 ms", "most", "keys", "unseen"),
        [_row(run) for run in runs],
    )


if __name__ == "__main__":
    main()
