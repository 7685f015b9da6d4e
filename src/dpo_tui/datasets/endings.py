"""Whether the name of a file promises what a format writes; trainers go by it."""

from __future__ import annotations

from pathlib import Path

from dpo_tui.datasets.formats import Format
from dpo_tui.datasets.output import FOREIGN_PACKING, PACKING
from dpo_tui.errors import InputError

_KINDS = {".jsonl": "JSON lines", ".csv": "CSV", ".tsv": "TSV", ".parquet": "Parquet"}
"""What a file with such an ending is taken for. Of others nothing is promised."""
_OTHERWISE = {".jsonl": "choose another {}", ".csv": "say {} csv", ".parquet": "say {} parquet"}
"""What writes under such an ending, with the option that names it."""


def check_ending(path: Path, form: Format, option: str) -> None:
    """Refuse a name that promises another kind of file; `option` is what named the format.

    Raises:
        InputError: it does.
    """
    is_packed = path.suffix.lower() in (PACKING, *FOREIGN_PACKING)
    if is_packed and form.ending == ".parquet":
        raise InputError(
            f"{path}: Parquet is compressed by itself, and nothing reads it inside {path.suffix}",
            remedy=f"Leave {path.suffix} out.",
        )
    ending = Path(path.stem if is_packed else path.name).suffix.lower()
    if ending in _KINDS and ending != form.ending:
        other = f", or {_OTHERWISE[ending].format(option)}" if ending in _OTHERWISE else ""
        raise InputError(
            f"{path}: {form.name} is written as {_KINDS[form.ending]}, not as {_KINDS[ending]}",
            remedy=f"Let the name end in {form.ending}{other}.",
        )
