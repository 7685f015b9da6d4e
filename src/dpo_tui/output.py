"""Where more than a line is printed: tables and reports, and how far a long run has come.

A reader can go away at any moment (`| head`, a pager that was left). Rich's own way out of that is
the exit code of a failure.
"""

from __future__ import annotations

from typing import NoReturn

from rich.console import Console


class Output(Console):
    """Standard output: when its reader has seen enough, the command is done."""

    def on_broken_pipe(self) -> NoReturn:
        """Tell the caller."""
        raise BrokenPipeError


class Log(Console):
    """Standard error: when nobody reads it any more, the work goes on in silence."""

    def __init__(self) -> None:
        super().__init__(stderr=True, highlight=False)

    def on_broken_pipe(self) -> None:
        """Say nothing more."""
        self.quiet = True
