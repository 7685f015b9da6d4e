"""What an export is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from dpo_tui.datasets.formats import Format
from dpo_tui.datasets.lengths import Ruler
from dpo_tui.domain.pairs import PairPolicy
from dpo_tui.reports.card import Provenance

ALL = "all"
"""Stands for every annotator."""
TRAIN, TEST = "train", "test"


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
    cores: int = 1
    """How many may work on it at once. The files are the same however many."""
