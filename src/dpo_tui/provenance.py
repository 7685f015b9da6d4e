"""Where the rows of an export come from: what a card tells of it, from what is written."""

from __future__ import annotations

from dpo_tui.domain.harvest import Harvest
from dpo_tui.domain.judged import Answer
from dpo_tui.domain.model import Origin, Sampling
from dpo_tui.domain.pairs import Rating
from dpo_tui.reports.card import Provenance

_OWN = {Origin.EDITED, Origin.WRITTEN}


def trace(provenance: Provenance, found: Harvest) -> None:
    """Take in what a prompt gave."""
    for group in found.groups:
        provenance.first = min(provenance.first, group.decided_at)
        provenance.last = max(provenance.last, group.decided_at)
        if group.seconds:  # what stood in a file took nobody any time
            provenance.seconds.add(round(group.seconds))
        else:
            provenance.stated += 1
        if group.remarks.strength:
            provenance.strengths[group.remarks.strength] += 1
    used = {each.id: each for taken in found.taken for each in taken.answers}
    for answer in used.values():
        provenance.sources[_told(answer)] += 1
        provenance.edited += bool(answer.source and answer.source.origin in _OWN)
    for taken in found.taken:
        example = taken.example
        if isinstance(example, Rating):
            provenance.measure("good" if example.is_good else "bad", example.text)
        else:
            provenance.measure("chosen", example.chosen)
            provenance.measure("rejected", example.rejected)
    if found.taken:
        turns = (each.content for each in found.groups[0].messages)
        provenance.measure("prompt", "\n".join(turns))


def _told(answer: Answer) -> str:
    """Who made a response and how, without the seed that makes each one different."""
    source = answer.source
    if source is None:
        return "unknown"
    if source.origin is Origin.WRITTEN:
        return "written by an annotator"
    who = f"`{source.model}`" if source.model else "an unnamed model"
    if source.origin is Origin.READY and not source.model:
        who = "ready-made"
    sampling = _sampling(source.sampling) if source.sampling else ""
    return f"{who}, {sampling}" if sampling else who


def _sampling(sampling: Sampling) -> str:
    said = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
        **sampling.extra,
    }
    return ", ".join(f"{name} {value}" for name, value in said.items() if value is not None)
