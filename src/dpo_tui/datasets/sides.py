"""The sides of a pair in a row of any of our forms, and what is wrong with them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dpo_tui.datasets.file import reading
from dpo_tui.domain.clean import dataset_text
from dpo_tui.domain.pairs import flaw

_FEW = 5
"""Line numbers that are told."""
_COLUMNS = (
    ("chosen", "rejected"),
    ("preferred_output", "non_preferred_output"),
    ("messages", "rejected_response"),
    ("messages", "rejected_messages"),
)


def sides_of(row: dict[str, Any]) -> tuple[str, str] | None:
    """The better and the worse response; None if the row has no pair that we know of."""
    completions = row.get("completions")
    if isinstance(completions, list) and len(completions) == 2:
        found = [_text(each.get("completion")) for each in completions if isinstance(each, dict)]
    else:
        columns = next((each for each in _COLUMNS if row.keys() >= {*each}), ())
        found = [_text(row[each]) for each in columns]
    texts = [each for each in found if each is not None]
    return (texts[0], texts[1]) if len(texts) == 2 else None


def _text(value: object) -> str | None:
    """The text of a response: as it is, as a message, or as the last one of a conversation."""
    if isinstance(value, list):
        value = value[-1] if value else None
    if isinstance(value, dict):
        value = value.get("content", value.get("value"))
    return value if isinstance(value, str) else None


def inspect_pairs(path: Path) -> Iterator[str]:
    """What is wrong with pairs of a dataset file, whoever wrote them, in words.

    Raises:
        DatasetError: it can't be read.
    """
    flaws: defaultdict[str, list[int]] = defaultdict(list)
    with reading(path) as file:
        for number, (_, line) in enumerate(file.lines(0) if file else (), start=1):
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                continue  # a broken line is told elsewhere, if it is ours
            if not isinstance(row, dict) or (sides := sides_of(row)) is None:
                continue
            if reason := flaw(*map(dataset_text, sides)):
                flaws[reason].append(number)
    for reason, numbers in flaws.items():
        few = ", ".join(map(str, numbers[:_FEW])) + (", ..." if len(numbers) > _FEW else "")
        yield (
            f"{len(numbers)} pairs are of no use for training: {reason} (line {few}); they are "
            "left as they are"
        )
