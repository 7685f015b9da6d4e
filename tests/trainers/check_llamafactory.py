"""LLaMA-Factory's loader, converter and processor of pairs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from llamafactory.data.loader import _load_single_dataset
from llamafactory.data.parser import get_dataset_list
from llamafactory.data.processor import PairwiseDatasetProcessor
from llamafactory.data.template import get_template_and_fix_tokenizer
from llamafactory.hparams import DataArguments, ModelArguments
from transformers import TrainingArguments

from dpo_tui.datasets.formats import FORMATS
from tests.trainers.toy import END, PAIRS, make_tokenizer, rendered, write_dataset

_QWEN = (
    "<|im_start|>system\n"
    f"You are Qwen, created by Alibaba Cloud. You are a helpful assistant.{END}\n"
)


@pytest.mark.parametrize("name", ["llamafactory-sharegpt", "llamafactory-alpaca"])
def check_llamafactory(tmp_path: Path, name: str) -> None:
    path = write_dataset(tmp_path, name)
    info = FORMATS[name].dataset_info
    assert info
    (tmp_path / "dataset_info.json").write_text(json.dumps({"pairs": info(path.name)}))
    data = DataArguments(
        template="qwen", dataset="pairs", dataset_dir=str(tmp_path), cutoff_len=4096
    )
    training = TrainingArguments(output_dir=str(tmp_path / "out"), use_cpu=True, report_to=[])
    model = ModelArguments(model_name_or_path="none", cache_dir=str(tmp_path / "cache"))
    (attributes,) = get_dataset_list(["pairs"], str(tmp_path))
    rows = _load_single_dataset(attributes, model, data, training)
    tokenizer = make_tokenizer()
    template = get_template_and_fix_tokenizer(tokenizer, data)
    processor = PairwiseDatasetProcessor(
        template=template, tokenizer=tokenizer, processor=None, data_args=data
    )
    encoded = processor.preprocess_dataset(rows[:])
    assert len(encoded["chosen_input_ids"]) == len(PAIRS)
    for side in ("chosen", "rejected"):
        told = {
            (tokenizer.decode(whole), tokenizer.decode([each for each in labels if each != -100]))
            for whole, labels in zip(
                encoded[f"{side}_input_ids"], encoded[f"{side}_labels"], strict=True
            )
        }
        assert told == {
            (
                # Where there is no system message, the template puts its own.
                ("" if pair.messages[0].role == "system" else _QWEN)
                + f"{rendered(pair.messages)}{getattr(pair, side)}{END}\n",
                f"{getattr(pair, side)}{END}\n",
            )
            for pair in PAIRS
        }
