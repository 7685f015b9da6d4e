"""axolotl's `chat_template.default`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from axolotl.prompt_strategies.dpo.chat_template import default

from tests.trainers.toy import END, PAIRS, load, make_tokenizer, rendered


class _Config(dict[str, Any]):
    """A dictionary whose keys are attributes too, as axolotl's own."""

    def __getattr__(self, name: str) -> Any:
        return self.get(name)


def check_axolotl(tmp_path: Path) -> None:
    cfg = {"datasets": [{"type": "chat_template.default"}], "chat_template": "tokenizer_default"}
    transform, _ = default(_Config(cfg))
    tokenizer = make_tokenizer()
    for row, pair in zip(load(tmp_path, "axolotl"), PAIRS, strict=True):
        assert transform(row, tokenizer=tokenizer) == {
            "prompt": rendered(pair.messages),
            "chosen": pair.chosen + END,
            "rejected": pair.rejected + END,
        }
