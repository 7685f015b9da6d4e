"""What an export did: the numbers, and how they are told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from dpo_tui.domain.pairs import Unit
from dpo_tui.words import plural


class ExportReport(Struct):
    """The numbers of one export."""

    unit: str
    """What a row is, for a person: "pair"."""
    annotators: tuple[str, ...] = ()
    """Whose decisions were taken."""
    others: Mapping[str, int] = field(default_factory=dict)
    """Groups confirmed by annotators who were left out."""
    groups: int = 0
    """Confirmed groups that were looked at."""
    rows: Counter[str] = field(default_factory=Counter)
    """By split: `train`, `test`."""
    prompts: Counter[str] = field(default_factory=Counter)
    """Prompts that gave rows, by split."""
    barren: Counter[str] = field(default_factory=Counter)
    """Prompts that gave none, by reason."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Candidates that the guard kept out, by reason."""
    spared: int = 0
    """Candidates that the policy did not take."""
    warnings: Counter[str] = field(default_factory=Counter)
    """What is odd about rows that were written."""
    measured: str = ""
    """How lengths were measured."""
    replaced: int = 0
    """Texts in which lone surrogates were replaced."""

    @property
    def candidates(self) -> str:
        """What can become a row, for a person."""
        return "combinations" if self.unit == Unit.PAIR else "responses"

    def add(self, other: ExportReport) -> None:
        """Add the counts of another part of the same export."""
        self.groups += other.groups
        self.spared += other.spared
        self.replaced += other.replaced
        for ours, theirs in (
            (self.rows, other.rows),
            (self.prompts, other.prompts),
            (self.barren, other.barren),
            (self.dropped, other.dropped),
        ):
            ours.update(theirs)

    def nothing(self) -> str:
        """Why no row was written."""
        reasons = [*self.barren.most_common(), *self.dropped.most_common()]
        why = "; ".join(f"{reason} ({count:,})" for reason, count in reasons)
        return f"there is nothing to write: {why or 'no confirmed group is left by the filters'}"


def summary(report: ExportReport, paths: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The report as lines of two columns; `paths` says where each split went."""
    if report.annotators:
        names = ", ".join(report.annotators)
        yield "decisions", f"{report.groups:,} confirmed by {names}"
    if report.others:
        left = ", ".join(f"{name} ({count:,})" for name, count in report.others.items())
        yield "left out", f"decisions of {left}: --annotator all takes everybody's"
    for split, count in report.rows.items():
        rows, prompts = plural(count, report.unit), plural(report.prompts[split], "prompt")
        yield (
            split if len(report.rows) > 1 else "written",
            f"{rows} of {prompts} to {paths[split]}",
        )
    for reason, count in report.barren.most_common():
        yield "no row", f"{plural(count, 'prompt')}: {reason}"
    if report.spared:
        yield "not taken", f"{report.spared:,} {report.candidates}, by the policy"
    for reason, count in report.dropped.most_common():
        yield "dropped", f"{count:,}: {reason}"
    for reason, count in report.warnings.most_common():
        yield "warning", f"{count:,}: {reason}"
    if report.warnings and report.measured:
        yield "", f"lengths are {report.measured}"
    if report.replaced:
        yield "replaced", f"lone surrogates in {plural(report.replaced, 'text')}"
