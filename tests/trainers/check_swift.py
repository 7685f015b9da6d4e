"""ms-swift's loader and template."""

from __future__ import annotations

from pathlib import Path

import pytest
from swift.dataset import load_dataset
from swift.model import get_processor
from swift.template import get_template

from tests.trainers.toy import (
    END,
    PAIRS,
    make_model,
    make_tokenizer,
    rendered,
    write_dataset,
)


@pytest.mark.parametrize("name", ["swift", "swift-messages"])
def check_ms_swift(tmp_path: Path, name: str) -> None:
    tokenizer = make_tokenizer()
    tokenizer.save_pretrained(tmp_path / "model")
    make_model(tokenizer).save_pretrained(tmp_path / "model")
    rows, _ = load_dataset([str(write_dataset(tmp_path, name))], load_from_cache_file=False)
    assert len(rows) == len(PAIRS)
    processor = get_processor(str(tmp_path / "model"), model_type="llama", download_model=False)
    template = get_template(
        processor, template_type="chatml", default_system="", loss_scale="last_round"
    )
    template.set_mode("rlhf")
    for row, pair in zip(rows, PAIRS, strict=True):
        encoded = template.encode(row)
        for side, text in (("chosen", pair.chosen), ("rejected", pair.rejected)):
            whole = processor.decode(encoded[f"{side}_input_ids"])
            assert whole.startswith(f"{rendered(pair.messages)}{text}{END}"), whole
            trained = [each for each in encoded[f"{side}_labels"] if each != -100]
            assert processor.decode(trained).strip() == f"{text}{END}"
