"""Together's check of a file."""

from __future__ import annotations

from pathlib import Path

from together.utils import files

from tests.trainers.toy import PAIRS, write_dataset


def check_together(tmp_path: Path) -> None:
    report = files.check_file(write_dataset(tmp_path, "openai"))
    assert report["is_check_passed"], report
    assert report["num_samples"] == len(PAIRS)
