"""LLaMA-Factory's `dataset_info.json`: what it knows of the files in a folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dpo_tui.datasets.output import writing_whole
from dpo_tui.errors import InputError


def check_dataset_info(path: Path, entries: Mapping[str, object], *, force: bool) -> None:
    """Find out early whether entries can be added.

    Raises:
        InputError: the file is none, or has other entries of these names and `force` isn't said.
    """
    known = _read(path)
    taken = [name for name, entry in entries.items() if known.get(name, entry) != entry]
    if taken and not force:
        raise InputError(
            f"{path}: there is another entry {', '.join(taken)} already",
            remedy="Name the dataset otherwise, or say --force to replace the entry.",
        )


def add_dataset_info(path: Path, entries: Mapping[str, object]) -> None:
    """Add entries to the file, or make it; other entries stay.

    Raises:
        InputError: the file is none.
        DatasetError: the disk refused.
    """
    known = _read(path) | dict(entries)
    with writing_whole(path) as file:
        file.write(json.dumps(known, indent=2, ensure_ascii=False).encode() + b"\n")


def _read(path: Path) -> dict[str, Any]:
    try:
        known = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: can't be read: {error}") from error
    if not isinstance(known, dict):
        raise InputError(f"{path}: expected an object with an entry for each dataset")
    return known
