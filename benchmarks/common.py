"""What the measurements share: the program in an empty home folder, and the table at the end."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from tests.terminal.terminal import isolated_environment

ROOT = Path(__file__).parents[1]
PROGRAM = (sys.executable, "-P", "-m", "dpo_tui")


@dataclass(frozen=True, slots=True)
class Workplace:
    """A folder with `prompts.txt` in it, and an environment with a home folder of its own."""

    folder: Path
    environment: dict[str, str]

    def command(self, name: str, n: int, concurrency: int = 8) -> list[str]:
        """A command of the program on the prompts."""
        options = [f"-n{n}", f"--concurrency={concurrency}"]
        return [*PROGRAM, name, str(self.folder / "prompts.txt"), *options]


@contextmanager
def workplace(base_url: str, prompts: int) -> Iterator[Workplace]:
    """Make a workplace that knows the server; it is removed at the end."""
    with TemporaryDirectory(prefix="dpo-tui-benchmark-") as name:
        folder = Path(name)
        lines = (f"Question {number}: what is a preference pair?\n" for number in range(prompts))
        (folder / "prompts.txt").write_text("".join(lines), encoding="utf-8")
        yield Workplace(folder, isolated_environment(folder / "home", server=base_url))


def note(text: str) -> None:
    """Say what is being measured now, on standard error."""
    print(text, file=sys.stderr, flush=True)


def print_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print the figures; the first column is what they are of."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column(headings[0])
    for heading in headings[1:]:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*row)
    Console(width=120).print(table)
