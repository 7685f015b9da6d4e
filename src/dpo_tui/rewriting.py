"""What parts of a file of rows become in another format, in whatever process that is worked out.

Part of the composition root: it knows the prompts and the datasets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from msgspec import Struct, field

from dpo_tui.collecting import seldom_collecting
from dpo_tui.datasets.formats import Format
from dpo_tui.datasets.lengths import Ruler
from dpo_tui.datasets.quality import Findings, Quality
from dpo_tui.datasets.writers import encoded
from dpo_tui.domain.clean import dataset_messages, dataset_text, has_surrogates
from dpo_tui.domain.harvest import Harvest, harvest
from dpo_tui.domain.judged import Answer, Judged
from dpo_tui.domain.model import Mark, Pair, Prompt, Remarks
from dpo_tui.domain.pairs import Example, PairPolicy, Rating, Unit, flaw
from dpo_tui.prompts import RawRows
from dpo_tui.prompts.shapes.shape import FIRST_IS_CHOSEN
from dpo_tui.prompts.tally import FileTally
from dpo_tui.reports.export import ExportReport

FILE = "file"
"""What the only split is called."""

Prompts = RawRows | Sequence[Prompt]
"""Some prompts, as they are or as rows of a file."""


class Target(Struct, frozen=True):
    """What prompts are to become."""

    form: Format
    policy: PairPolicy
    ruler: Ruler
    max_length: int = 1024
    """Where the trainer cuts, in tokens."""
    near_duplicates: float = 0.9
    """How alike the sides of a pair are told from on; 0 for never."""


class Rewritten(Struct):
    """What some prompts give."""

    report: ExportReport
    rows: bytes = b""
    """As they are written, if there are any."""
    findings: Findings = field(default_factory=Findings)
    file: int = 0
    """The place of their file in the tally."""
    tally: FileTally | None = None
    """What was found in these rows of it, if they are other people's."""


@contextmanager
def rewriting(target: Target) -> Iterator[Rewriter]:
    """What makes rows of prompts."""
    with seldom_collecting():
        yield Rewriter(target)


class Rewriter:
    """Makes rows of one format."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._form = target.form

    def rewrite(self, part: tuple[Prompts, Example | None]) -> Rewritten:
        """What some prompts give, without the first one of an example that is written already."""
        some, told = part
        found = self._nothing()
        if isinstance(some, RawRows):
            found.file, found.tally = some.file, some.tally()
            some = list(some.prompts(found.tally))
        examples = [example for each in some for example in self._examples(each, found.report)]
        if told in examples:
            examples.remove(told)
        self._make_rows(found, examples)
        return found

    def rows_of(self, examples: Sequence[Example]) -> Rewritten:
        """The rows that these examples make; nothing else is counted."""
        found = self._nothing()
        self._make_rows(found, examples)
        return found

    def telling(self, some: Prompts) -> Example | None:
        """The first example whose row tells what all columns hold."""
        tells = self._form.tells_schema
        if not tells:
            return None
        prompts = some.prompts(some.tally()) if isinstance(some, RawRows) else some
        for prompt in prompts:
            if not tells(prompt.messages):
                continue
            plain = self._plain(prompt)
            taken = [plain] if plain else [each.example for each in self._harvest(prompt).taken]
            for example in taken:
                if tells(example.messages):
                    return example
        return None

    def _nothing(self) -> Rewritten:
        return Rewritten(ExportReport(self._form.unit.value))

    def _make_rows(self, found: Rewritten, examples: Sequence[Example]) -> None:
        target = self._target
        if not examples:
            return
        found.rows = encoded(self._form, examples, None)
        found.report.rows[FILE] = len(examples)
        quality = Quality(self._form, target.ruler, target.max_length, target.near_duplicates)
        quality.look(examples)
        found.findings = quality.found

    def _plain(self, prompt: Prompt) -> Example | None:
        """The one example of a prompt, where that can be told quickly and nothing is against it."""
        # One example is one example by any policy: all of them take some.
        is_pair = self._form.unit is Unit.PAIR
        example = _plain_pair(prompt) if is_pair else _plain_rating(prompt, self._form.unit)
        objection = self._form.objection
        return None if example and objection and objection(example) else example

    def _examples(self, prompt: Prompt, report: ExportReport) -> Iterable[Example]:
        """What a prompt gives; counted."""
        report.groups += 1
        report.replaced += _replaced(prompt)
        if plain := self._plain(prompt):
            report.prompts[FILE] += 1
            return (plain,)
        found = self._harvest(prompt)
        report.dropped.update(found.dropped)
        report.spared += found.spared
        if found.taken:
            report.prompts[FILE] += 1
        else:
            report.barren[_why_none(prompt, found)] += 1
        return [each.example for each in found.taken]

    def _harvest(self, prompt: Prompt) -> Harvest:
        found = harvest([*self._judged(prompt)], self._form.unit, self._target.policy)
        if self._form.objection:
            found.leave_out(self._form.objection)
        return found

    def _judged(self, prompt: Prompt) -> Iterator[Judged]:
        """A prompt as it was judged, once for everybody who has."""
        messages = dataset_messages(prompt.messages)
        texts = [dataset_text(each.text) for each in prompt.responses]
        # Only what is drawn by lot asks for the key, which takes as long as all the rest.
        policy = self._target.policy
        key = prompt.key if policy.limit is not None or policy.best_only else ""
        for preference in prompt.preferences:
            answers = (
                Answer(index, texts[index], mark) for index, mark in preference.marks.items()
            )
            remarks = Remarks(strength=preference.strength)
            yield Judged(key, messages, tuple(answers), remarks, annotator=preference.by)
        if prompt.reference and self._form.unit is Unit.GOOD:
            answer = Answer(0, dataset_text(prompt.reference), Mark.CHOSEN)
            yield Judged(key, messages, (answer,))


def _replaced(prompt: Prompt) -> int:
    """In how many texts lone surrogates are replaced."""
    texts = [each.content for each in prompt.messages]
    texts += [each.text for each in prompt.responses]
    texts.append(prompt.reference or "")
    return sum(not each.isascii() and has_surrogates(each) for each in texts)


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
