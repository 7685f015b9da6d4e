"""The `export` command: from the decisions of a session to files that trainers read.

Part of the composition root: it knows the store and the datasets.
"""

from __future__ import annotations

import random
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import BinaryIO

from dpo_tui.crew import Alone, Team, crew
from dpo_tui.datasets.output import writing_whole
from dpo_tui.datasets.quality import Findings
from dpo_tui.datasets.writers import writing_rows
from dpo_tui.domain.harvest import Taken
from dpo_tui.domain.model import Message
from dpo_tui.domain.split import PromptSplit
from dpo_tui.errors import InputError
from dpo_tui.export_job import ALL, TEST, ExportJob
from dpo_tui.gathering import Aim, Block, Gathered, Gatherer, Part, gathering, identity
from dpo_tui.reports.export import ExportReport

_BLOCK = 512
"""Prompts that are worked on at once, and whose rows are mixed with one another when shuffling."""
_MANY = 5_000
"""Verdicts from which on other processes are worth their start."""
_ATTEMPTS = 10
"""How often it is tried that all see the same state of a session that somebody works on."""


def export(job: ExportJob, advance: Callable[[int, int], None]) -> ExportReport:
    """Write the files; `advance` is told how many groups of how many are done.

    Raises:
        InputError: there is nothing to export, or it can't be split.
        StoreError: the session can't be read.
        DatasetError: a file can't be written; those that are there already stay as they were.
        HelperError: a process that did a part of it was ended.
    """
    with gathering(job) as own, _team(job, own) as team:
        return _Run(job, own, team, advance).run()


@contextmanager
def _team(job: ExportJob, own: Gatherer) -> Iterator[Team[Gatherer]]:
    """Who does it: several who see what `own` sees, where that is worth it, else `own`."""
    if job.cores > 1 and own.groups.verdicts() >= _MANY:
        with crew(job.cores, gathering, job) as team:
            if _begin_together(own, team):
                yield team
                return
    yield Alone(own)


def _begin_together(own: Gatherer, team: Team[Gatherer]) -> bool:
    """Let all see the same state; False if somebody committed meanwhile each time."""
    team.all(Gatherer.begin)  # the first time takes as long as it takes to start
    for _ in range(_ATTEMPTS):
        before = own.groups.commits()
        own.begin()
        team.all(Gatherer.begin)
        if own.groups.commits() == before:
            return True
    return False


class _Run:
    """One export of one state of a session."""

    def __init__(
        self,
        job: ExportJob,
        own: Gatherer,
        team: Team[Gatherer],
        advance: Callable[[int, int], None],
    ) -> None:
        self._job = job
        self._own = own
        self._team = team
        self._advance = advance
        counts = own.groups.annotators()
        self._annotators = _whose(counts, job.annotator, job.user)
        self._ids = own.groups.ids(self._annotators, job.since)
        self._findings = Findings()
        self._report = ExportReport(
            job.form.unit.value,
            tuple(self._annotators),
            {name: count for name, count in counts.items() if name not in self._annotators},
            rows=Counter(dict.fromkeys(job.outputs, 0)),
            measured=job.ruler.name,
        )

    def run(self) -> ExportReport:
        """Do it."""
        own = self._own
        own.aim(Aim(self._annotators))
        test_keys = self._test_keys() if TEST in self._job.outputs else frozenset[str]()
        own.aim(Aim(self._annotators, test_keys))
        tells = self._job.form.tells_schema
        leads = self._leads(tells) if tells else {}
        told = frozenset(map(identity, leads.values()))
        self._team.all(Gatherer.aim, Aim(self._annotators, test_keys, told))
        with ExitStack() as files:
            sinks = _Sinks(self._job, files)
            self._take(sinks, own.made_of({split: [lead] for split, lead in leads.items()}))
            for found in self._team.map(Gatherer.gather, self._blocks()):
                self._take(sinks, found)
                self._advance(self._report.groups, len(self._ids))
            if not self._report.rows.total():
                raise InputError(self._report.nothing())
        self._report.warnings = self._findings.told()
        return self._report

    def _blocks(self) -> Iterator[Block]:
        if self._job.shuffle:
            random.Random(self._job.policy.seed).shuffle(self._ids)  # noqa: S311 - no secret
        for number, ids in enumerate(self._slices()):
            yield Block(number, ids)

    def _slices(self) -> Iterator[array[int]]:
        for start in range(0, len(self._ids), _BLOCK):
            yield self._ids[start : start + _BLOCK]

    def _take(self, sinks: _Sinks, found: Gathered) -> None:
        for split, part in found.parts.items():
            sinks.write(split, part)
        self._report.add(found.report)
        self._findings.add(found.findings)
        if self._job.provenance and found.provenance:
            self._job.provenance.add(found.provenance)

    def _test_keys(self) -> frozenset[str]:
        """The prompts that are for testing."""
        split = PromptSplit()
        for found in self._own.harvests(self._ids):
            if found.taken:
                split.add(found.key, found.groups[0].messages)
        keys = split.test_keys(self._job.test_size, self._job.policy.seed)
        if not keys:
            raise InputError(
                "the prompts can't be split: there are too few of them, or they are too much alike",
                remedy="Leave --test-size out; near-identical prompts are never on both sides.",
            )
        return keys

    def _leads(self, tells: Callable[[Sequence[Message]], bool]) -> dict[str, Taken]:
        """For each split an example whose row tells what all columns hold, if there is one."""
        leads: dict[str, Taken] = {}
        for ids in self._slices():
            asked = self._own.groups.conversations(ids)
            # Most conversations are short, and tell nothing.
            for found in self._own.harvests([each for each, messages in asked if tells(messages)]):
                for each in found.taken[:1]:
                    leads.setdefault(self._own.split_of(found), each)
                if len(leads) == len(self._job.outputs):
                    return leads
        return leads


class _Sinks:
    """The files that are written, and their metadata."""

    def __init__(self, job: ExportJob, files: ExitStack) -> None:
        self._write: dict[str, Callable[[bytes], object]] = {}
        self._sidecar: BinaryIO | None = None
        self._rows: Counter[str] = Counter()
        for split, path in job.outputs.items():
            file = files.enter_context(writing_whole(path))
            write = writing_rows(job.form, file, meta=job.meta)
            self._write[split] = files.enter_context(write)
        if job.sidecar:
            self._sidecar = files.enter_context(writing_whole(job.sidecar))

    def write(self, split: str, part: Part) -> None:
        """Add rows to a split."""
        self._write[split](part.data)
        if self._sidecar:
            first = self._rows[split]
            lines = (
                f'{{"split":"{split}","row":{first + number},{meta[1:]}\n'
                for number, meta in enumerate(part.metas)
            )
            self._sidecar.write("".join(lines).encode())
        self._rows[split] += part.count


def _whose(counts: Mapping[str, int], asked: str | None, user: str) -> list[str]:
    """Whose decisions are taken."""
    if not counts:
        raise InputError(
            "nothing is confirmed in this session yet", remedy="Label some groups first."
        )
    if asked == ALL or (asked is None and user not in counts):
        return [*counts]
    if (name := asked or user) not in counts:
        raise InputError(
            f"--annotator: {name} has confirmed nothing in this session",
            remedy=f"Annotators: {', '.join(counts)}; or {ALL}.",
        )
    return [name]
