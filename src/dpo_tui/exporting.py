"""The `export` command: from the decisions of a session to files that trainers read.

Part of the composition root: it knows the store and the datasets.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from dpo_tui.collecting import seldom_collecting
from dpo_tui.datasets.formats import Format
from dpo_tui.datasets.lengths import Ruler
from dpo_tui.datasets.meta import meta_of
from dpo_tui.datasets.output import writing_whole
from dpo_tui.datasets.quality import Quality
from dpo_tui.datasets.writers import RowWriter, writer_of
from dpo_tui.domain.harvest import Harvest, Taken, harvest
from dpo_tui.domain.pairs import PairPolicy
from dpo_tui.domain.split import PromptSplit
from dpo_tui.errors import InputError
from dpo_tui.provenance import trace
from dpo_tui.reports.card import Provenance
from dpo_tui.reports.export import ExportReport
from dpo_tui.store.judged import JudgedGroups, reading_judged

ALL = "all"
"""Stands for every annotator."""
TRAIN, TEST = "train", "test"
_AT_ONCE = 64
"""Prompts whose rows are written at once; more would leave the processor's cache."""
_MIXED = 512
"""Prompts whose rows are mixed with one another when shuffling."""


class ExportJob(Struct, frozen=True):
    """What is asked for."""

    session: Path
    form: Format
    outputs: Mapping[str, Path]
    """Where each split goes; TEST only if there is to be one."""
    policy: PairPolicy
    ruler: Ruler
    user: str
    """Whose decisions count if none are named and there are some."""
    annotator: str | None = None
    """Whose decisions count; ALL for everybody's."""
    since: float = 0.0
    """Unix time; what was decided before is left out."""
    tags: frozenset[str] = frozenset()
    """Prompts that have none of these are left out, if there are any."""
    test_size: float = 0.0
    """Share of the prompts that go to TEST."""
    shuffle: bool = False
    meta: bool = False
    """Whether rows have a column of metadata."""
    sidecar: Path | None = None
    """Where metadata goes apart."""
    provenance: Provenance | None = None
    """Is told where the rows come from, for a card."""
    max_length: int = 1024
    """Where the trainer cuts, in tokens."""
    near_duplicates: float = 0.9
    """How alike the sides of a pair are told from on."""


def export(job: ExportJob, advance: Callable[[int, int], None]) -> ExportReport:
    """Write the files; `advance` is told how many groups of how many are done.

    Raises:
        InputError: there is nothing to export, or it can't be split.
        StoreError: the session can't be read.
        DatasetError: a file can't be written; those that are there already stay as they were.
    """
    with reading_judged(job.session) as groups, seldom_collecting():
        return _Run(job, groups, advance).run()


class _Run:
    """One export of one state of a session."""

    def __init__(
        self, job: ExportJob, groups: JudgedGroups, advance: Callable[[int, int], None]
    ) -> None:
        self._job = job
        self._groups = groups
        self._advance = advance
        counts = groups.annotators()
        self._annotators = _whose(counts, job.annotator, job.user)
        self._ids = groups.ids(self._annotators, job.since)
        self._quality = Quality(job.form, job.ruler, job.max_length, job.near_duplicates)
        self._rng = random.Random(job.policy.seed)  # noqa: S311 - a shuffle, not a secret
        self._report = ExportReport(
            job.form.unit.value,
            tuple(self._annotators),
            {name: count for name, count in counts.items() if name not in self._annotators},
            rows=Counter(dict.fromkeys(job.outputs, 0)),
            measured=job.ruler.name,
        )

    def run(self) -> ExportReport:
        """Do it."""
        test_keys = self._test_keys() if TEST in self._job.outputs else frozenset[str]()
        leads = self._leads(test_keys) if self._job.form.tells_schema else {}
        told = set(map(_identity, leads.values()))
        if self._job.shuffle:
            self._rng.shuffle(self._ids)
        with ExitStack() as files:
            sinks = _Sinks(self._job, files)
            for split, lead in leads.items():
                self._write(sinks, split, [lead])
            for batch in _batches(self._harvests(), _MIXED if self._job.shuffle else _AT_ONCE):
                rows: dict[str, list[Taken]] = {split: [] for split in self._job.outputs}
                for found in batch:
                    split = TEST if found.key in test_keys else TRAIN
                    taken = found.taken
                    if told:
                        taken = [each for each in taken if _identity(each) not in told]
                    rows[split] += taken
                    self._count(found, split)
                for split, part in rows.items():
                    self._write(sinks, split, part)
                self._advance(self._report.groups, len(self._ids))
            sinks.close()
            if not self._report.rows.total():
                raise InputError(self._report.nothing())
        self._quality.finish()
        self._report.warnings = self._quality.warnings
        return self._report

    def _harvests(self) -> Iterator[Harvest]:
        """What every prompt gives that the filters leave."""
        job = self._job
        sources = job.meta or job.sidecar is not None or job.provenance is not None
        for judged in self._groups.read(self._ids, self._annotators, job.since, sources=sources):
            if job.tags and job.tags.isdisjoint(judged[0].tags):
                continue
            found = harvest(judged, job.form.unit, job.policy)
            if job.form.objection:
                found.leave_out(job.form.objection)
            if sources:
                found.weigh()
            yield found

    def _test_keys(self) -> frozenset[str]:
        """The prompts that are for testing."""
        split = PromptSplit()
        for found in self._harvests():
            if found.taken:
                split.add(found.key, found.groups[0].messages)
        keys = split.test_keys(self._job.test_size, self._job.policy.seed)
        if not keys:
            raise InputError(
                "the prompts can't be split: there are too few of them, or they are too much alike",
                remedy="Leave --test-size out; near-identical prompts are never on both sides.",
            )
        return keys

    def _leads(self, test_keys: frozenset[str]) -> dict[str, Taken]:
        """For each split an example whose row tells what all columns hold, if there is one."""
        tells = self._job.form.tells_schema
        leads: dict[str, Taken] = {}
        for found in self._harvests():
            split = TEST if found.key in test_keys else TRAIN
            if split not in leads and tells:
                leads |= ((split, each) for each in found.taken[:1] if tells(each.example.messages))
            if len(leads) == len(self._job.outputs):
                break
        return leads

    def _count(self, found: Harvest, split: str) -> None:
        report = self._report
        report.groups += len(found.groups)
        if found.dropped:
            report.dropped.update(found.dropped)
        report.spared += found.spared
        report.replaced += found.groups[0].replaced
        if self._job.provenance:
            trace(self._job.provenance, found)
        if found.taken:
            report.prompts[split] += 1
        else:
            report.barren[found.why_none()] += 1

    def _write(self, sinks: _Sinks, split: str, rows: list[Taken]) -> None:
        if self._job.shuffle:
            self._rng.shuffle(rows)
        sinks.write(split, rows)
        self._report.rows[split] += len(rows)
        self._quality.look(each.example for each in rows)


class _Sinks:
    """The files that are written, and their metadata."""

    def __init__(self, job: ExportJob, files: ExitStack) -> None:
        self._job = job
        self._sidecar: BinaryIO | None = None
        self._writers: dict[str, RowWriter] = {}
        self._rows: Counter[str] = Counter()
        for split, path in job.outputs.items():
            file = files.enter_context(writing_whole(path))
            self._writers[split] = writer_of(job.form, file, meta=job.meta)
        if job.sidecar:
            self._sidecar = files.enter_context(writing_whole(job.sidecar))

    def write(self, split: str, rows: Sequence[Taken]) -> None:
        """Add rows to a split."""
        if not rows:
            return
        needs_metas = self._job.meta or self._sidecar is not None
        metas = [meta_of(each) for each in rows] if needs_metas else []
        examples = [each.example for each in rows]
        self._writers[split].write(examples, metas if self._job.meta else None)
        if self._sidecar:
            first = self._rows[split]
            lines = (
                f'{{"split":"{split}","row":{first + number},{meta[1:]}\n'
                for number, meta in enumerate(metas)
            )
            self._sidecar.write("".join(lines).encode())
        self._rows[split] += len(rows)

    def close(self) -> None:
        """End all of them."""
        for each in self._writers.values():
            each.close()


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


def _batches(harvests: Iterator[Harvest], size: int) -> Iterator[list[Harvest]]:
    while batch := [*islice(harvests, size)]:
        yield batch


def _identity(taken: Taken) -> tuple[object, ...]:
    return (taken.group.key, taken.group.annotator, *(each.id for each in taken.answers))
