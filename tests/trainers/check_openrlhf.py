"""OpenRLHF's dataset of pairs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from openrlhf.datasets.reward_dataset import RewardDataset

from tests.trainers.toy import END, PAIRS, load, make_tokenizer, rendered


@pytest.mark.parametrize("name", ["openrlhf", "trl"])
def check_openrlhf(tmp_path: Path, name: str) -> None:
    tokenizer = make_tokenizer()
    data = SimpleNamespace(
        prompt_key="prompt" if name == "trl" else None,
        chosen_key="chosen",
        rejected_key="rejected",
        apply_chat_template=True,
    )
    strategy = SimpleNamespace(args=SimpleNamespace(data=data))
    rows = RewardDataset(
        load(tmp_path, name), tokenizer, 4096, strategy, is_dpo=True, num_processors=1
    )
    assert len(rows) == len(PAIRS)
    for number, pair in enumerate(PAIRS):
        chosen, _, rejected, _, length = rows[number]
        prompt = rendered(pair.messages)
        assert tokenizer.decode(chosen[0]).startswith(f"{prompt}{pair.chosen}{END}")
        assert tokenizer.decode(rejected[0]).startswith(f"{prompt}{pair.rejected}{END}")
        assert length == len(tokenizer(prompt).input_ids)
