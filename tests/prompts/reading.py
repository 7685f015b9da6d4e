"""Reading files of rows, as the tests of forms and shapes do it."""

from __future__ import annotations

from pathlib import Path

from dpo_tui.domain.model import Prompt
from dpo_tui.prompts import Reading, Tally, read_prompts


def read(path: Path, reading: Reading | None = None) -> tuple[list[Prompt], Tally]:
    """The prompts of a file, and what was found on the way."""
    tally = Tally()
    return list(read_prompts(path).read(reading or Reading(), tally)), tally


def texts(prompts: list[Prompt]) -> list[str]:
    """What is asked, and behind it the ready-made responses."""
    return [
        " > ".join((each.turns[-1].content, *(ready.text for ready in each.responses)))
        for each in prompts
    ]
