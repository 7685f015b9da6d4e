"""What reading other people's rows and converting them costs, beside the bare decoder and encoder.

    python -m benchmarks.import_formats [--rows 100000]

Figures are rows a second, the best of several runs, so that company on the machine matters less: by
the processor's time in one process, and for the conversion by the clock too, with every core that
may be used; other processes are started from some ten thousand rows on. The bare side decodes every
line with msgspec and encodes it again, and knows nothing of what it holds. Memory is that of a
process that converts the rows, and ten times as many.
"""

from __future__ import annotations

import gc
import json
import resource
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import msgspec

from benchmarks.common import ROOT, note, print_table
from dpo_tui.conversion import ConversionJob, convert
from dpo_tui.cores import usable_cores
from dpo_tui.datasets.formats import FORMATS, Format
from dpo_tui.datasets.lengths import Estimate
from dpo_tui.datasets.writers import encoded, writing_rows
from dpo_tui.domain.model import Message, Pair
from dpo_tui.domain.pairs import PairPolicy, Rating, Unit
from dpo_tui.prompts import Reading, Tally, read_prompts
from dpo_tui.rewriting import Target

_RUNS = 4
_MORE = 10


def main() -> None:
    """Measure and print."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--convert", type=Path, help="for the processes that it starts")
    given = parser.parse_args()
    if given.convert:
        _convert(given.convert, FORMATS["trl"], usable_cores())
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    with TemporaryDirectory(prefix="dpo-tui-formats-") as name:
        folder = Path(name)
        formats = [each for each in FORMATS.values() if each.is_lines]
        rows = [_row(folder, each, given.rows) for each in formats]
        headings = ("", "read", "convert", "by the clock", "bare decode + encode", "convert / bare")
        print_table(f"{given.rows:,} rows of each format (rows/s)", headings, rows)
        memory = [_memory(folder, count) for count in (given.rows, _MORE * given.rows)]
    titles = (f"{given.rows:,} rows", f"{_MORE * given.rows:,} rows")
    figures = [(title, f"{size:.0f}") for title, size in zip(titles, memory, strict=True)]
    print_table("Memory of a conversion (MB)", ("", "at most"), figures)


def _row(folder: Path, form: Format, count: int) -> tuple[str, ...]:
    note(form.name)
    path = _written(folder, form, count)
    read, _ = _rates(count, lambda: _read(path))
    converted, _ = _rates(count, lambda: _convert(path, form, 1))
    _, by_clock = _rates(count, lambda: _convert(path, form, usable_cores()))
    bare, _ = _rates(count, lambda: _bare(path))
    path.unlink()
    figures = (f"{each:,.0f}" for each in (read, converted, by_clock, bare))
    return (form.name, *figures, f"{converted / bare:.2f}")


def _rates(count: int, work: Callable[[], object]) -> tuple[float, float]:
    """Rows a second of processor time, and by the clock."""
    worked, took = [], []
    for _ in range(_RUNS):
        gc.collect()
        cpu, clock = process_time(), perf_counter()
        work()
        worked.append(process_time() - cpu)
        took.append(perf_counter() - clock)
    return count / min(worked), count / min(took)


def _read(path: Path) -> None:
    for _ in read_prompts(path):
        pass


def _convert(path: Path, form: Format, cores: int) -> None:
    job = ConversionJob(
        read_prompts(path),
        Reading(),
        path.with_name("out"),
        Target(form, PairPolicy(), Estimate()),
        cores,
    )
    convert(job, Tally(), lambda _: None)


def _bare(path: Path) -> None:
    decode, encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
    with path.open("rb") as source, path.with_name("out").open("wb") as target:
        for line in source:
            target.write(encode(decode(line)))
            target.write(b"\n")


def _memory(folder: Path, count: int) -> float:
    note(f"memory of {count:,} rows")
    path = _written(folder, FORMATS["trl"], count)
    command = [sys.executable, "-m", "benchmarks.import_formats", "--convert", str(path)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    path.unlink()
    return float(json.loads(done.stdout))


def _written(folder: Path, form: Format, count: int) -> Path:
    path = folder / f"{form.name}.jsonl"
    with path.open("wb") as file, writing_rows(form, file, meta=False) as write:
        for pair in _pairs(count):
            example = pair if form.unit is Unit.PAIR else Rating(pair[0], pair.chosen, is_good=True)
            write(encoded(form, [example], None))
    return path


def _pairs(count: int) -> Iterator[Pair]:
    system = Message("system", "You are helpful.")
    for number in range(count):
        user = f"Explain the number {number} to a child who likes trains, in three sentences."
        yield Pair(
            (system, Message("user", user)),
            f"The number {number} is like a train with that many wagons behind it. " * 3,
            f"A number is a thing to count with, and {number} is one of those. " * 3,
        )


if __name__ == "__main__":
    main()
