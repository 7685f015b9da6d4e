"""The command `report`: how the numbers of a session look on a terminal."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from dpo_tui.display import display_line
from dpo_tui.domain.statistics import Statistics
from dpo_tui.output import Output
from dpo_tui.paths import PIPED
from dpo_tui.reports.session import SourceLine, as_json, lines, progress_of, source_lines


def print_report(statistics: Statistics, named: Sequence[str]) -> None:
    """Print it as text; `named` are the words that name this session to a command."""
    console = Output(highlight=False)
    console.print(Text(display_line(str(statistics.prompts_path or statistics.path)), "bold"))
    console.print(_grid(lines(statistics)))
    if sources := source_lines(statistics):
        console.print()
        console.print(_source_table(sources))
    console.print()
    # Not folded at the terminal's width: it is there to be copied.
    for command in _commands(statistics, named):
        console.print(Text(f"  {display_line(command)}"), soft_wrap=True)


def print_report_json(statistics: Statistics) -> None:
    """Print all of it for machines, ASCII alone: what is foreign in it is escaped."""
    print(json.dumps(as_json(statistics), indent=2))  # noqa: T201 - a command's output


def _grid(said: Iterator[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=20)
    table.add_column(overflow="fold")
    for label, value in said:
        table.add_row(Text(f"  {display_line(label)}"), Text(display_line(value)))
    return table


def _source_table(sources: Sequence[SourceLine]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("  source", overflow="fold")
    for heading in ("chosen", "rejected", "excluded"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("wins", no_wrap=True)
    for each in sources:
        counts = (f"{count:,}" for count in (each.chosen, each.rejected, each.excluded))
        won = "" if each.won is None else str(each.won)
        table.add_row(Text(f"  {display_line(each.name)}"), *counts, won)
    return table


def _commands(statistics: Statistics, named: Sequence[str]) -> Iterator[str]:
    """What can be done next."""
    progress, prompts = progress_of(statistics), statistics.prompts_path
    if progress.left and prompts:
        file = named[0] if named[0] != "--session" else str(prompts)
        others = named[1:] if named[0] != "--session" else named
        if file.startswith(PIPED):  # it is gone; the same rows find the session again
            yield f"... | {shlex.join(['dpo-tui', 'annotate', '-', *others])}"
        else:
            yield shlex.join(["dpo-tui", "annotate", file, *others])
    if progress.pairs:
        yield shlex.join(["dpo-tui", "export", *named, "-o", "pairs.jsonl"])
    if progress.confirmed or progress.skipped:
        yield shlex.join(["dpo-tui", "history", *named])
