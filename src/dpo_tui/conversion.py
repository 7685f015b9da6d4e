"""The `convert` command: from rows of one format to rows of another, without a session.

Part of the composition root: it knows the prompts and the datasets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from msgspec import Struct

from dpo_tui.crew import Growing, growing
from dpo_tui.datasets.output import writing_whole
from dpo_tui.datasets.quality import Findings
from dpo_tui.datasets.writers import writing_rows
from dpo_tui.domain.pairs import Example, Unit
from dpo_tui.errors import InputError
from dpo_tui.prompts import PromptsFile, Reading, Tally
from dpo_tui.prompts.shapes import candidates, fields, labelled
from dpo_tui.reports.export import ExportReport
from dpo_tui.rewriting import Prompts, Rewriter, Rewritten, Target, rewriting

_AT_ONCE = 512
"""Prompts that are worked on at once."""
_ALONE = 25
"""So many times as many are done before other processes have started."""

_ANSWERS = (*candidates.SHAPES, *fields.SHAPES)
"""Several answers of which nothing is said, or nothing that was understood."""


class ConversionJob(Struct, frozen=True):
    """What is asked for."""

    prompts: PromptsFile
    reading: Reading
    output: Path
    target: Target
    cores: int = 1
    """How many may work on it at once. The file is the same however many."""


def convert(job: ConversionJob, tally: Tally, advance: Callable[[int], None]) -> ExportReport:
    """Write the file; `advance` is told how many prompts are done.

    Raises:
        InputError: the rows can't be read, or there is nothing to write.
        DatasetError: the file can't be written; one that is there already stays as it was.
        HelperError: a process that did a part of it was ended.
    """
    with growing(job.cores, _ALONE, rewriting, job.target) as team:
        return _Run(job, team, tally, advance).run()


class _Run:
    """One conversion."""

    def __init__(
        self,
        job: ConversionJob,
        team: Growing[Rewriter],
        tally: Tally,
        advance: Callable[[int], None],
    ) -> None:
        self._job = job
        self._team = team
        self._tally = tally
        self._advance = advance
        self._findings = Findings()
        target = job.target
        self._report = ExportReport(target.form.unit.value, measured=target.ruler.name)

    def run(self) -> ExportReport:
        """Do it."""
        report = self._report
        at, lead = self._lead() if self._job.target.form.tells_schema else (0, None)
        with (
            writing_whole(self._job.output) as file,
            writing_rows(self._job.target.form, file, meta=False) as write,
        ):
            if lead:
                self._take(write, self._team.own.rows_of([lead]))
            parts = (
                (part, lead if number == at else None)
                for number, part in enumerate(self._parts(self._tally))
            )
            for found in self._team.map(Rewriter.rewrite, parts):
                self._take(write, found)
                self._advance(report.groups)
            self._check_end()
        report.warnings = self._findings.told()
        return report

    def _parts(self, tally: Tally) -> Iterator[Prompts]:
        return self._job.prompts.parts(self._job.reading, tally, _AT_ONCE)

    def _lead(self) -> tuple[int, Example | None]:
        """The first example whose row tells what all columns hold, and in which part it is."""
        with closing(self._team.map(Rewriter.telling, self._parts(Tally()))) as found:
            return next(((at, lead) for at, lead in enumerate(found) if lead), (0, None))

    def _take(self, write: Callable[[bytes], object], found: Rewritten) -> None:
        if found.tally:
            tally = self._tally.files[found.file]
            tally.add(found.tally)
            tally.check(self._job.reading.bad_rows, at_end=False)
        if found.rows:
            write(found.rows)
        self._report.add(found.report)
        self._findings.add(found.findings)

    def _check_end(self) -> None:
        """See to it that there is something good to read in the file, and something to write."""
        for each in self._tally.files:
            each.check(self._job.reading.bad_rows, at_end=True)
        if not self._report.groups:
            raise self._job.prompts.no_prompts()
        if not self._report.rows.total():
            raise self._nothing()

    def _nothing(self) -> InputError:
        """What is wrong can be what the rows were taken for, so that is told too."""
        taken_for = self._tally.lines()
        return InputError(
            "\n".join([f"{self._job.prompts.path}: {self._report.nothing()}", *taken_for]),
            remedy=self._other_way() if taken_for else "",
        )

    def _other_way(self) -> str:
        """What may give rows."""
        files, unit = self._tally.files, self._job.target.form.unit
        if unit is Unit.PAIR and all(each.shape in labelled.SHAPES for each in files):
            return "Each row is one answer, and pairs need two: --to trl-kto writes such rows."
        if any(each.shape in _ANSWERS for each in files):
            return (
                "If a column says which answer is better, name it: --columns prompt=COLUMN,"
                "responses=COLUMN+COLUMN,better=COLUMN (or scores=COLUMN+COLUMN)."
            )
        return "If its rows are something else, say so with --from FORMAT or --columns."
