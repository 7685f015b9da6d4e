"""The `convert` command: from rows of one format to rows of another, without a session.

Part of the composition root: it knows the prompts and the datasets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from msgspec import Struct

from dpo_tui.collecting import seldom_collecting
from dpo_tui.datasets.formats import Format
from dpo_tui.datasets.lengths import Ruler
from dpo_tui.datasets.output import writing_whole
from dpo_tui.datasets.quality import Quality
from dpo_tui.datasets.writers import RowWriter, writer_of
from dpo_tui.domain.clean import dataset_messages, dataset_text
from dpo_tui.domain.harvest import Harvest, harvest
from dpo_tui.domain.judged import Answer, Judged
from dpo_tui.domain.model import Mark, Pair, Prompt, Remarks
from dpo_tui.domain.pairs import Example, PairPolicy, Rating, Unit, flaw
from dpo_tui.errors import InputError
from dpo_tui.prompts import PromptsFile, Reading, Tally
from dpo_tui.prompts.shapes.shape import FIRST_IS_CHOSEN
from dpo_tui.reports.export import ExportReport

_FILE = "file"
_AT_ONCE = 64
"""Prompts whose rows are written at once."""


class ConversionJob(Struct, frozen=True):
    """What is asked for."""

    prompts: PromptsFile
    reading: Reading
    form: Format
    output: Path
    policy: PairPolicy
    ruler: Ruler
    max_length: int = 1024
    """Where the trainer cuts, in tokens."""
    near_duplicates: float = 0.9
    """How alike the sides of a pair are told from on; 0 for never."""


def convert(job: ConversionJob, tally: Tally, advance: Callable[[int], None]) -> ExportReport:
    """Write the file; `advance` is told how many prompts are done.

    Raises:
        InputError: the rows can't be read, or there is nothing to write.
        DatasetError: the file can't be written; one that is there already stays as it was.
    """
    with seldom_collecting():
        return _Run(job, tally, advance).run()


class _Run:
    """One conversion."""

    def __init__(self, job: ConversionJob, tally: Tally, advance: Callable[[int], None]) -> None:
        self._job = job
        self._tally = tally
        self._advance = advance
        self._quality = Quality(job.form, job.ruler, job.max_length, job.near_duplicates)
        self._report = ExportReport(job.form.unit.value, measured=job.ruler.name)

    def run(self) -> ExportReport:
        """Do it."""
        report = self._report
        lead = self._lead()
        with writing_whole(self._job.output) as file:
            writer = writer_of(self._job.form, file, meta=False)
            if lead:
                self._write(writer, [lead])
            prompts = self._job.prompts.read(self._job.reading, self._tally)
            while batch := [*islice(prompts, _AT_ONCE)]:
                examples = [example for each in batch for example in self._examples(each)]
                if lead in examples:
                    examples.remove(lead)
                    lead = None
                self._write(writer, examples)
                self._advance(report.groups)
            writer.close()
            if not report.rows.total():
                raise InputError(f"{self._job.prompts.path}: {report.nothing()}")
        report.warnings = self._quality.found.told()
        return report

    def _lead(self) -> Example | None:
        """The first example whose row tells what all columns hold, if not every row does."""
        tells = self._job.form.tells_schema
        if not tells:
            return None
        prompts = self._job.prompts.read(self._job.reading, Tally())
        for prompt in prompts:
            if not tells(prompt.messages):
                continue
            plain = self._plain(prompt)
            taken = [plain] if plain else [each.example for each in self._harvest(prompt).taken]
            for example in taken:
                if tells(example.messages):
                    return example
        return None

    def _plain(self, prompt: Prompt) -> Example | None:
        """The one example of a prompt, where that can be told quickly and nothing is against it."""
        # One example is one example by any policy: all of them take some.
        is_pair = self._job.form.unit is Unit.PAIR
        example = _plain_pair(prompt) if is_pair else _plain_rating(prompt, self._job.form.unit)
        objection = self._job.form.objection
        return None if example and objection and objection(example) else example

    def _examples(self, prompt: Prompt) -> Sequence[Example]:
        """What a prompt gives; counted."""
        report = self._report
        report.groups += 1
        if plain := self._plain(prompt):
            report.prompts[_FILE] += 1
            return (plain,)
        found = self._harvest(prompt)
        report.dropped.update(found.dropped)
        report.spared += found.spared
        if found.taken:
            report.prompts[_FILE] += 1
        else:
            report.barren[_why_none(prompt, found)] += 1
        return [each.example for each in found.taken]

    def _harvest(self, prompt: Prompt) -> Harvest:
        found = harvest([*self._judged(prompt)], self._job.form.unit, self._job.policy)
        if self._job.form.objection:
            found.leave_out(self._job.form.objection)
        return found

    def _judged(self, prompt: Prompt) -> Iterator[Judged]:
        """A prompt as it was judged, once for everybody who has."""
        messages = dataset_messages(prompt.messages)
        texts = [dataset_text(each.text) for each in prompt.responses]
        # Only what is drawn by lot asks for the key, which takes as long as all the rest.
        key = prompt.key if self._draws else ""
        for preference in prompt.preferences:
            answers = (
                Answer(index, texts[index], mark) for index, mark in preference.marks.items()
            )
            remarks = Remarks(strength=preference.strength)
            yield Judged(key, messages, tuple(answers), remarks, annotator=preference.by)
        if prompt.reference and self._job.form.unit is Unit.GOOD:
            answer = Answer(0, dataset_text(prompt.reference), Mark.CHOSEN)
            yield Judged(key, messages, (answer,))

    @property
    def _draws(self) -> bool:
        return self._job.policy.limit is not None or self._job.policy.best_only

    def _write(self, writer: RowWriter, examples: Sequence[Example]) -> None:
        if not examples:
            return
        writer.write(examples, None)
        self._report.rows[_FILE] += len(examples)
        self._quality.look(examples)


def _plain_pair(prompt: Prompt) -> Pair | None:
    """What `harvest` gives of a prompt with one good and one bad response, as most rows have them.

    None for other prompts, and where the guard has something to say. Several times as quick.
    """
    if len(prompt.preferences) != 1 or len(prompt.responses) != 2:
        return None
    (preference,) = prompt.preferences
    if preference.marks is not FIRST_IS_CHOSEN:
        return None
    chosen, rejected = (dataset_text(each.text) for each in prompt.responses)
    if flaw(chosen, rejected):
        return None
    messages = dataset_messages(prompt.messages)
    return Pair(messages, chosen, rejected, preference.strength)


def _plain_rating(prompt: Prompt, unit: Unit) -> Rating | None:
    """The same of a prompt with one response that is good or bad, or with a reference alone."""
    if not prompt.responses and prompt.reference and unit is Unit.GOOD:
        text, mark = dataset_text(prompt.reference), Mark.CHOSEN
    elif len(prompt.responses) == len(prompt.preferences) == 1 and not prompt.reference:
        text = dataset_text(prompt.responses[0].text)
        mark = prompt.preferences[0].marks.get(0, Mark.EXCLUDED)
    else:
        return None
    is_good = mark is Mark.CHOSEN
    if not text or not (is_good or (mark is Mark.REJECTED and unit is Unit.RATING)):
        return None
    return Rating(dataset_messages(prompt.messages), text, is_good)


def _why_none(prompt: Prompt, found: Harvest) -> str:
    if not prompt.preferences:
        return "nothing is said of its responses"
    if not found.dropped and not any(each.marks for each in prompt.preferences):
        return "a tie"
    return found.why_none()
