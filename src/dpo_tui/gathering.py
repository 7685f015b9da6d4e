"""What blocks of prompts give for the files of an export, in whatever process that is worked out.

Part of the composition root: it knows the store and the datasets.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from msgspec import Struct, field

from dpo_tui.collecting import seldom_collecting
from dpo_tui.datasets.meta import meta_of
from dpo_tui.datasets.quality import Findings, Quality
from dpo_tui.datasets.writers import encoded
from dpo_tui.domain.harvest import Harvest, Taken, harvest
from dpo_tui.export_job import TEST, TRAIN, ExportJob
from dpo_tui.provenance import trace
from dpo_tui.reports.card import Provenance
from dpo_tui.reports.export import ExportReport
from dpo_tui.store.judged import JudgedGroups, reading_judged


class Aim(Struct, frozen=True):
    """What has to be known of the whole session to work on a part of it."""

    annotators: Sequence[str] = ()
    """Whose decisions are taken."""
    test_keys: frozenset[str] = frozenset()
    """The prompts that are for testing."""
    told: frozenset[Hashable] = frozenset()
    """The identities of examples that are written already."""


class Block(Struct, frozen=True):
    """A part of the prompts."""

    number: int
    ids: array[int]


class Part(Struct):
    """Rows of one split."""

    count: int
    data: bytes
    """As they are written."""
    metas: Sequence[str] = ()
    """The metadata of each, if it is asked for."""


class Gathered(Struct):
    """What a block gives."""

    report: ExportReport
    parts: dict[str, Part] = field(default_factory=dict)
    """By split."""
    findings: Findings = field(default_factory=Findings)
    provenance: Provenance | None = None


@contextmanager
def gathering(job: ExportJob) -> Iterator[Gatherer]:
    """What gathers the rows of a session as it is at this moment.

    Raises:
        StoreError: the session can't be read.
    """
    with reading_judged(job.session) as groups, seldom_collecting():
        yield Gatherer(job, groups)


class Gatherer:
    """Reads prompts of one state of a session and makes rows of them."""

    def __init__(self, job: ExportJob, groups: JudgedGroups) -> None:
        self.groups = groups
        self._job = job
        self._aim = Aim()

    def begin(self) -> None:
        """Turn to the state that the session has now."""
        self.groups.begin()

    def aim(self, aim: Aim) -> None:
        """Get to know what doesn't stand in a part of the session."""
        self._aim = aim

    def gather(self, block: Block) -> Gathered:
        """The rows of some prompts, and what is to be said of them."""
        job = self._job
        found = self._nothing()
        found.provenance = Provenance() if job.provenance else None
        rows: dict[str, list[Taken]] = {split: [] for split in job.outputs}
        for each in self.harvests(block.ids):
            split = self.split_of(each)
            rows[split] += self._untold(each.taken)
            _count(found, each, split)
        if job.shuffle:
            rng = random.Random(f"{job.policy.seed} {block.number}")  # noqa: S311 - no secret
            for taken in rows.values():
                rng.shuffle(taken)
        self._make_rows(found, rows)
        return found

    def made_of(self, rows: Mapping[str, Sequence[Taken]]) -> Gathered:
        """The rows that these examples make, by split; nothing else is counted."""
        found = self._nothing()
        self._make_rows(found, rows)
        return found

    def harvests(self, ids: Sequence[int]) -> Iterator[Harvest]:
        """What every prompt gives that the filters leave."""
        job = self._job
        sources = job.meta or job.sidecar is not None or job.provenance is not None
        annotators = self._aim.annotators
        for judged in self.groups.read(ids, annotators, job.since, sources=sources):
            if job.tags and job.tags.isdisjoint(judged[0].tags):
                continue
            found = harvest(judged, job.form.unit, job.policy)
            if job.form.objection:
                found.leave_out(job.form.objection)
            if sources:
                found.weigh()
            yield found

    def split_of(self, found: Harvest) -> str:
        """On which side a prompt is."""
        return TEST if found.key in self._aim.test_keys else TRAIN

    def _nothing(self) -> Gathered:
        return Gathered(ExportReport(self._job.form.unit.value))

    def _untold(self, taken: list[Taken]) -> list[Taken]:
        told = self._aim.told
        return [each for each in taken if identity(each) not in told] if told else taken

    def _make_rows(self, found: Gathered, rows: Mapping[str, Sequence[Taken]]) -> None:
        job = self._job
        quality = Quality(job.form, job.ruler, job.max_length, job.near_duplicates)
        has_metas = job.meta or job.sidecar is not None
        for split, taken in rows.items():
            if not taken:
                continue
            examples = [each.example for each in taken]
            metas = [meta_of(each) for each in taken] if has_metas else ()
            data = encoded(job.form, examples, metas if job.meta else None)
            found.parts[split] = Part(len(taken), data, metas)
            found.report.rows[split] = len(taken)
            quality.look(examples)
        found.findings = quality.found


def _count(gathered: Gathered, found: Harvest, split: str) -> None:
    report = gathered.report
    report.groups += len(found.groups)
    if found.dropped:
        report.dropped.update(found.dropped)
    report.spared += found.spared
    report.replaced += found.groups[0].replaced
    if gathered.provenance:
        trace(gathered.provenance, found)
    if found.taken:
        report.prompts[split] += 1
    else:
        report.barren[found.why_none()] += 1


def identity(taken: Taken) -> Hashable:
    """The same for the same example, and for no other one."""
    return (taken.group.key, taken.group.annotator, *(each.id for each in taken.answers))
