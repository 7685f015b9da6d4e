"""axolotl's `chat_template.default` (DPO, IPO, SimPO).

Source: `prompt_strategies/dpo/chat_template.py` of axolotl 0.19.
"""

from __future__ import annotations

from msgspec import Struct

from dpo_tui.datasets.chat import Turn, reply
from dpo_tui.domain.model import Message, Pair


class Row(Struct, frozen=True, gc=False):
    """One pair; `messages` are the prompt alone."""

    messages: tuple[Message, ...]
    chosen: Turn
    rejected: Turn


def row(pair: Pair) -> Row:
    """The row of a pair."""
    return Row(pair.messages, reply(pair.chosen), reply(pair.rejected))


def config(file_name: str) -> str:
    """What axolotl's configuration says of the file."""
    return f"""\
rl: dpo
datasets:
  - path: {file_name}
    ds_type: json
    split: train
    type: chat_template.default
"""


_HEADERS = (
    "<|im_start|>user\n[[dummy_message]]<|im_end|>\n<|im_start|>assistant\n",
    "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n[[dummy_message]]<|eot_id|>",
    "<|start_header_id|>assistant<|end_header_id|>\n\n",
    "<bos><start_of_turn>user\n[[dummy_message]]<end_of_turn>\n<start_of_turn>model\n",
    "<s>[INST] [[dummy_message]][/INST] ",
    "<|user|>\n[[dummy_message]]<|end|>\n<|assistant|>\n",
)
"""What the usual templates put before an answer, as axolotl renders it to search for the answer."""
_LONGEST = max(map(len, _HEADERS))


def is_at_risk(text: str) -> bool:
    """Whether axolotl's search for this answer would hit what stands before it instead.

    It takes the first place at which the answer's text occurs in a rendered conversation.
    """
    return len(text) <= _LONGEST and any(text in each for each in _HEADERS)
