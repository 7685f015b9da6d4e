"""What a key costs: bytes to the terminal, and the time until the last of them has come.

Ready-made responses, so that nothing else happens; beside an app of Textual's own widgets.

    .venv/bin/python -m benchmarks.screen
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import monotonic

from benchmarks.bare_app import FIRST_FRAME
from benchmarks.common import PROGRAM, note, print_table
from benchmarks.link import Link
from tests.terminal.terminal import isolated_environment

_QUIET = 0.03
"""Seconds without a byte after which the answer to a key is taken to be whole. What comes later is
the scroll thumb, when the cards below the view are set, and marks of near-duplicates."""
_PATIENCE = 2.0
_REST = 0.15
"""Seconds between two keys, in which whatever comes later counts for its bytes."""
_LETTERS = "eeeetttaaaooiinnssrhldcu"
_SHARE_OF_MARKDOWN = 0.5
_MARKDOWN = """\
**Short answer:** it depends on what you *measure*, and `how` you measure it.

1. First, collect the responses and look at them side by side.
2. Then mark the good ones; everything else counts as rejected.

```python
def pairs(chosen, rejected):
    return [(good, bad) for good in chosen for bad in rejected]
```

- It is quick, since nothing is drawn twice.
- It is safe, since everything is on disk before it shows.

| what | how long |
|------|----------|
| read | minutes  |
| mark | seconds  |
"""


Begin = Callable[[int, int, int], AbstractContextManager[Link]]
"""Starts a program with so many groups, cards in each, and characters in each card."""


@dataclass(slots=True)
class Cost:
    """Of one kind of key."""

    milliseconds: list[float] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)

    def cells(self) -> tuple[str, ...]:
        """Median, 95th and 99th percentile of the time, and the median of the bytes."""
        cuts = quantiles(self.milliseconds, n=100, method="inclusive")
        spread = f"{median(self.milliseconds):.1f}", f"{cuts[94]:.1f}", f"{cuts[98]:.1f}"
        return (*spread, f"{median(self.bytes):,.0f}", f"{max(self.bytes):,}")


def text_of(length: int, seed: int = 0) -> str:
    """Markdown of about so many characters, unlike that of other seeds."""
    words = random.Random(seed)
    text = ""
    while len(text) < length:
        prose = " ".join("".join(words.choices(_LETTERS, k=words.randint(2, 9))) for _ in range(40))
        text += (
            f"{prose}.\n\n{_MARKDOWN}" if words.random() < _SHARE_OF_MARKDOWN else f"{prose}.\n\n"
        )
    return text[:length]


@contextmanager
def ours(groups: int, cards: int, length: int) -> Iterator[Link]:
    """The program on ready-made responses, when its first group is on the screen."""
    with TemporaryDirectory(prefix="dpo-tui-benchmark-") as name:
        folder = Path(name)
        with (folder / "prompts.jsonl").open("w", encoding="utf-8") as file:
            for group in range(groups):
                responses = [
                    f"response to group {group + 1}: {text_of(length, group * cards + card)}"
                    for card in range(cards)
                ]
                row = {"prompt": f"question {group + 1}", "responses": responses}
                file.write(json.dumps(row) + "\n")
        env = isolated_environment(folder / "home")
        argv = [*PROGRAM, "annotate", str(folder / "prompts.jsonl")]
        with Link(argv, env) as link:
            assert link.wait_for("group 1:") is not None
            link.read_for(1.0)
            yield link


@contextmanager
def naive(groups: int, cards: int, length: int) -> Iterator[Link]:  # noqa: ARG001
    """The app of Textual's own widgets, when its first group is on the screen."""
    with TemporaryDirectory(prefix="dpo-tui-benchmark-") as name:
        folder = Path(name)
        (folder / "text.md").write_text(text_of(length), encoding="utf-8")
        env = isolated_environment(folder / "home")
        argv = [
            sys.executable,
            str(Path(__file__).with_name("naive_app.py")),
            str(cards),
            str(folder / "text.md"),
        ]
        with Link(argv, env) as link:
            assert link.wait_for("group 1") is not None
            link.read_for(2.0)
            yield link


def press(link: Link, keys: str, cost: Cost) -> None:
    """Type, and wait until all that follows has come."""
    link.forget()
    before, pressed = link.total, monotonic()
    link.send(keys)
    while link.total == before and monotonic() < pressed + _PATIENCE:
        link.read_for(_QUIET)
    while monotonic() < link.came + _QUIET:
        link.read_for(_QUIET)
    cost.milliseconds.append((link.came - pressed) * 1000)
    link.read_for(_REST)
    cost.bytes.append(link.total - before)


def _measure(
    begin: Begin, times: int, cards: int, length: int, script: Sequence[str], measured: str
) -> Cost:
    cost = Cost()
    with begin(times + 2, cards, length) as link:
        for _ in range(times):
            for keys in script:
                press(link, keys, cost if keys == measured else Cost())
    return cost


def _launch(times: int) -> list[tuple[str, ...]]:
    bare: list[float] = []
    mine: list[float] = []
    with TemporaryDirectory(prefix="dpo-tui-benchmark-") as name:
        folder = Path(name)
        row = {"prompt": "question", "responses": ["response one", "response two"]}
        (folder / "prompts.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
        env = isolated_environment(folder / "home")
        app = [sys.executable, str(Path(__file__).with_name("bare_app.py"))]
        annotate = [*PROGRAM, "annotate", str(folder / "prompts.jsonl")]
        for _ in range(times + 1):
            for argv, wanted, times_of in (
                (app, FIRST_FRAME, bare),
                (annotate, "response two", mine),
            ):
                with Link(argv, env) as link:
                    seen = link.wait_for(wanted)
                    assert seen is not None
                    times_of.append(seen - link.launched)
    bare, mine = bare[1:], mine[1:]  # the first run made the session
    ratio = median(mine) / median(bare)
    return [
        ("a bare Textual app", f"{median(bare):.3f}", f"{min(bare):.3f}", ""),
        ("an existing session", f"{median(mine):.3f}", f"{min(mine):.3f}", f"{ratio:.2f}"),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=60, help="of each key")
    times = parser.parse_args().times
    rows: list[tuple[str, ...]] = []
    programs = (("dpo-tui", ours), ("naive", naive))
    for what, cards, length, script, measured in (
        ("toggle, 4 x 1 kB", 4, 1000, (" ",), " "),
        ("next card without scroll", 4, 300, ("j", "k"), "j"),
        ("next card with a scroll", 8, 2000, ("j", "k"), "j"),
        ("next group, 4 x 1 kB", 4, 1000, (" ", "\r"), "\r"),
        ("next group, 20 x 2 kB", 20, 2000, (" ", "\r"), "\r"),
    ):
        for name, begin in programs:
            note(f"{what}: {name} ...")
            cost = _measure(begin, times, cards, length, script, measured)
            rows.append((what, name, *cost.cells()))
    note("100 kB: dpo-tui ...")
    cost = _measure(ours, times, 2, 100_000, ("J",), "J")
    rows.append(("one line of a 100 kB response", "dpo-tui", *cost.cells()))
    cost = _measure(ours, min(times, 20), 2, 100_000, (" ", "\r"), "\r")
    rows.append(("next group, 2 x 100 kB", "dpo-tui", *cost.cells()))
    headings = ("key", "program", "p50 ms", "p95 ms", "p99 ms", "bytes", "most bytes")
    print_table("From a key to the last byte of its answer, 120x40", headings, rows)
    note("launch ...")
    print_table(
        "From launch to the first whole frame", ("", "median s", "least s", "ratio"), _launch(10)
    )


if __name__ == "__main__":
    main()
