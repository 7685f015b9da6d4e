"""How far a `generate` run has come, on standard error: a bar on a terminal, else plain lines."""

from __future__ import annotations

from time import monotonic
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from dpo_tui.display import display
from dpo_tui.domain.model import Progress as SessionProgress
from dpo_tui.output import Log
from dpo_tui.service.filling import Filled

_PLAIN_SECONDS = 10.0
"""Between two lines where there is no bar: a log should stay readable after a night."""


class FillProgress:
    """Shows a run while it is open."""

    def __init__(self) -> None:
        self._console = Log()
        self._bar = Progress(
            TextColumn("groups"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rates]}"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("groups", total=None, rates="")
        self._filled = Filled()
        self._total = 0
        self._began = monotonic()
        self._told_at = monotonic()

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        """Tell a line, above the bar; in a log it stays one, however long."""
        self._console.print(Text(display(text)), soft_wrap=not self._console.is_terminal)

    def report(self, filled: Filled, progress: SessionProgress) -> None:
        """Take in how far it has come."""
        self._filled, self._total = filled, progress.left
        self._bar.update(
            self._task, completed=filled.groups, total=progress.left, rates=self._rates
        )
        now = monotonic()
        if not self._console.is_terminal and now - self._told_at >= _PLAIN_SECONDS:
            self._told_at = now
            self.say(self.summary)

    @property
    def summary(self) -> str:
        """The whole in one line."""
        return f"{self._filled.groups} of {self._total} groups complete: {self._rates}"

    @property
    def _rates(self) -> str:
        filled = self._filled
        seconds = max(monotonic() - self._began, 1e-9)
        return (
            f"{filled.responses} responses, {filled.responses / seconds:.1f}/s, "
            f"{filled.tokens / seconds:.0f} tokens/s, {filled.broken} failed"
        )
