"""The card of an exported dataset: a README.md as the Hugging Face hub shows it.

Source of the front matter: https://huggingface.co/docs/hub/datasets-cards. Annotators are counted,
not named: a card is made to be published.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from dpo_tui.reports.export import ExportReport
from dpo_tui.reports.spread import Spread
from dpo_tui.words import moment, plural

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


class Provenance(Struct):
    """Where the rows of an export come from, collected while they are written."""

    sources: Counter[str] = field(default_factory=Counter)
    """Responses by who made them and how."""
    lengths: dict[str, Spread] = field(default_factory=dict)
    """In characters, by what was measured: `prompt`, `chosen`."""
    seconds: Spread = field(default_factory=Spread)
    """For a decision of a person."""
    stated: int = 0
    """Decisions that were taken from a file."""
    first: float = float("inf")
    """When the first decision was made, Unix time."""
    last: float = 0.0
    edited: int = 0
    """Responses that a person edited or wrote."""
    strengths: Counter[int] = field(default_factory=Counter)
    """Groups by how much better the chosen ones were said to be."""

    def add(self, other: Provenance) -> None:
        """Take in where other rows come from."""
        self.sources.update(other.sources)
        for what, spread in other.lengths.items():
            self.lengths.setdefault(what, Spread()).merge(spread)
        self.seconds.merge(other.seconds)
        self.stated += other.stated
        self.first = min(self.first, other.first)
        self.last = max(self.last, other.last)
        self.edited += other.edited
        self.strengths.update(other.strengths)

    def measure(self, what: str, text: str) -> None:
        """Take in the length of a text."""
        self.lengths.setdefault(what, Spread()).add(len(text))


class CardFacts(Struct, frozen=True):
    """What a card says besides the numbers."""

    title: str
    format: str
    readers: str
    policy: str
    has_cut_off: bool
    """Whether responses that hit the token limit may be in rows."""
    split: str
    """How training and testing were kept apart; empty if they weren't."""
    files: Mapping[str, str]
    """File name by split."""


def card(facts: CardFacts, report: ExportReport, provenance: Provenance) -> str:
    """The text of the card."""
    return "\n".join([*_front_matter(facts, report), *_body(facts, report, provenance)]) + "\n"


def _front_matter(facts: CardFacts, report: ExportReport) -> Iterator[str]:
    total = report.rows.total()
    yield "---"
    yield f"pretty_name: {_quoted(facts.title)}"
    yield "# license: what you allow others to do, as in cc-by-4.0"
    yield "# language: [en]"
    yield "task_categories:\n- text-generation"
    yield "tags:\n- preference\n- dpo\n- human-feedback\n- dpo-tui"
    yield f"size_categories:\n- {next((name for size, name in _SIZES if total < size), 'n>1M')}"
    yield "configs:\n- config_name: default\n  data_files:"
    for split, name in facts.files.items():
        yield f"  - split: {split}\n    path: {_quoted(name)}"
    yield "---\n"


def _quoted(text: str) -> str:
    """As YAML has it, which knows no surrogate pairs: what is beyond ASCII stays as it is."""
    return json.dumps(text, ensure_ascii=False)


def _body(facts: CardFacts, report: ExportReport, provenance: Provenance) -> Iterator[str]:
    yield f"# {facts.title}\n"
    if provenance.stated == report.groups:
        yield "Preferences between responses to the same prompt, as they stood in a file.\n"
    else:
        yield (
            "Human preferences between responses to the same prompt, labelled with dpo-tui: one "
            "person sees a prompt with its responses, marks the good ones, and confirms.\n"
        )
    yield "## Contents\n"
    yield "| split | rows | prompts | file |\n| --- | ---: | ---: | --- |"
    for split, rows in report.rows.items():
        yield f"| {split} | {rows:,} | {report.prompts[split]:,} | `{facts.files[split]}` |"
    yield f"\nA row is one {report.unit}, in the form `{facts.format}` ({facts.readers}).\n"
    yield "## Lengths in characters\n"
    yield "| | median | 95 % | longest |\n| --- | ---: | ---: | ---: |"
    for what, spread in provenance.lengths.items():
        cells = " | ".join(f"{spread.quantile(each):,}" for each in (0.5, 0.95, 1.0))
        yield f"| {what} | {cells} |"
    yield "\n## Sources\n"
    for source, count in provenance.sources.most_common():
        yield f"- {plural(count, 'response')}: {source}"
    if provenance.edited:
        yield f"- of these, {provenance.edited:,} were edited or written by an annotator"
    yield "\n## Labelling\n"
    yield from _labelling(facts, report, provenance)
    yield "\n## What was left out\n"
    reasons = [
        *(f"{plural(count, 'prompt')}: {reason}" for reason, count in report.barren.most_common()),
        *(
            f"{count:,} {report.candidates}: {reason}"
            for reason, count in report.dropped.most_common()
        ),
    ]
    if report.spared:
        reasons.append(f"{report.spared:,} {report.candidates}: by the policy")
    yield from (f"- {each}" for each in reasons or ["nothing"])
    if report.warnings:
        yield f"\n## To be aware of (lengths {report.measured})\n"
        yield from (f"- {count:,}: {what}" for what, count in report.warnings.most_common())


def _labelling(facts: CardFacts, report: ExportReport, provenance: Provenance) -> Iterator[str]:
    count = len(report.annotators)
    who = "one annotator" if count == 1 else f"{count} annotators"
    days = [moment(each).date() for each in _ends(provenance)]
    when = f"on {days[0]}" if days[0] == days[1] else f"from {days[0]} to {days[1]}"
    if by_people := report.groups - provenance.stated:
        yield f"- {plural(by_people, 'group')} confirmed by {who}, {when}"
        yield f"- median time for a group: {provenance.seconds.quantile(0.5)} s"
    if provenance.stated:
        yield f"- {plural(provenance.stated, 'group')} with preferences that stood in a file"
    yield f"- {report.unit}s of a group: {facts.policy}"
    if facts.split:
        yield f"- {facts.split}"
    if provenance.strengths:
        told = ", ".join(
            f"{each}: {count:,}" for each, count in sorted(provenance.strengths.items())
        )
        yield f"- strength of the preference (1 slight, 2 clear, 3 by far), in groups: {told}"
    cut_off = "" if facts.has_cut_off else " or that hit the token limit"
    yield f"- responses that failed, that are empty{cut_off} are in no row"


def _ends(provenance: Provenance) -> tuple[float, float]:
    return min(provenance.first, provenance.last), provenance.last
