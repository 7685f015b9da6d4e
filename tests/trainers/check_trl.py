"""TRL: what it would train on is what was decided, and it trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer, RewardConfig, RewardTrainer

from dpo_tui.datasets.transcript import transcript
from tests.trainers.toy import (
    END,
    PAIRS,
    load,
    make_model,
    make_reward_model,
    make_tokenizer,
    rendered,
)


def settings(folder: Path) -> dict[str, Any]:
    return {
        "output_dir": str(folder / "out"),
        "max_steps": 2,
        "per_device_train_batch_size": 2,
        "use_cpu": True,
        "bf16": False,
        "report_to": [],
        "save_strategy": "no",
        "logging_steps": 1,
    }


@pytest.mark.parametrize("name", ["trl", "trl-implicit", "openrlhf", "parquet"])
def check_dpo(tmp_path: Path, name: str) -> None:
    tokenizer = make_tokenizer()
    trainer = DPOTrainer(
        model=make_model(tokenizer),
        ref_model=make_model(tokenizer),
        args=DPOConfig(**settings(tmp_path)),
        train_dataset=load(tmp_path, name),
        processing_class=tokenizer,
    )
    rows = trainer.train_dataset
    assert len(rows) == len(PAIRS)
    for row, pair in zip(rows, PAIRS, strict=True):
        told = [tokenizer.decode(row[f"{each}_ids"]) for each in ("prompt", "chosen", "rejected")]
        assert told == [
            rendered(pair.messages),
            f"{pair.chosen}{END}\n",
            f"{pair.rejected}{END}\n",
        ]
    assert trainer.train().global_step == 2


def check_dpo_with_plain_strings(tmp_path: Path) -> None:
    tokenizer = make_tokenizer()
    trainer = DPOTrainer(
        model=make_model(tokenizer),
        ref_model=make_model(tokenizer),
        args=DPOConfig(**settings(tmp_path)),
        train_dataset=load(tmp_path, "trl-standard"),
        processing_class=tokenizer,
    )
    for row, pair in zip(trainer.train_dataset, PAIRS, strict=True):
        assert tokenizer.decode(row["prompt_ids"]) == transcript(pair.messages)
        assert tokenizer.decode(row["chosen_ids"]) == pair.chosen + END
    assert trainer.train().global_step == 2


def check_kto(tmp_path: Path) -> None:
    tokenizer = make_tokenizer()
    trainer = KTOTrainer(
        model=make_model(tokenizer),
        ref_model=make_model(tokenizer),
        args=KTOConfig(**settings(tmp_path)),
        train_dataset=load(tmp_path, "trl-kto"),
        processing_class=tokenizer,
    )
    rows = list(trainer.train_dataset)
    expected = [
        (text, label)
        for pair in PAIRS
        for text, label in ((pair.chosen, True), (pair.rejected, False))
    ]
    assert [row["label"] for row in rows] == [label for _, label in expected]
    for row, (text, _) in zip(rows, expected, strict=True):
        assert text in tokenizer.decode(row.get("completion_ids") or row["completion_input_ids"])
    assert trainer.train().global_step == 2


def check_reward(tmp_path: Path) -> None:
    tokenizer = make_tokenizer()
    trainer = RewardTrainer(
        model=make_reward_model(tokenizer),
        args=RewardConfig(**settings(tmp_path)),
        train_dataset=load(tmp_path, "trl-reward"),
        processing_class=tokenizer,
    )
    for row, pair in zip(trainer.train_dataset, PAIRS, strict=True):
        prompt = rendered(pair.messages)
        assert tokenizer.decode(row["chosen_ids"]).startswith(f"{prompt}{pair.chosen}{END}")
        assert tokenizer.decode(row["rejected_ids"]).startswith(f"{prompt}{pair.rejected}{END}")
        assert row["margin"] == 2.0
    assert trainer.train().global_step == 2
