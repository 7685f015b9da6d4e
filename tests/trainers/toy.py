"""What a trainer needs to read a dataset: a tokenizer of bytes, a model of one layer, and a file.

Nothing is downloaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from datasets import load_dataset
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    PreTrainedTokenizerFast,
)

from dpo_tui.datasets.formats import FORMATS
from dpo_tui.datasets.lengths import Estimate
from dpo_tui.domain.model import Message, Pair, Remarks
from dpo_tui.domain.pairs import PairPolicy
from dpo_tui.export_job import TRAIN, ExportJob
from dpo_tui.exporting import export
from tests.sessions import ANNOTATOR, decide, make_session, prompt

CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
END = "<|im_end|>"
_SPECIAL = ("<|endoftext|>", "<|im_start|>", END)
_TURNS = (Message("user", "Hello"), Message("assistant", "Hi. What is it?"))
PAIRS = (
    Pair((Message("system", "Be brief."), Message("user", "What is DPO?")), "A loss.", "A lot of"),
    Pair((*_TURNS, Message("user", "Name two primes.")), "2 and 3", "2 and 4"),
    Pair((Message("user", "Code, please"),), "```py\nprint('é \U0001f642')\n```", 'say "no"\n\n1.'),
    Pair((Message("user", "Is it\tso?"),), "Yes", "No"),
)


def rendered(messages: Any) -> str:
    """A prompt as the template above makes it, up to where the answer begins."""
    told = "".join(f"<|im_start|>{each.role}\n{each.content}{END}\n" for each in messages)
    return f"{told}<|im_start|>assistant\n"


def write_dataset(folder: Path, name: str) -> Path:
    """The pairs, decided in a session and exported."""
    session = folder / "s.db"
    asked = [prompt(each.messages[-1].content, each.chosen, each.rejected) for each in PAIRS]
    make_session(
        session,
        [each._replace(messages=pair.messages) for each, pair in zip(asked, PAIRS, strict=True)],
    )
    for number in range(1, len(PAIRS) + 1):
        decide(session, number, "+-", remarks=Remarks(strength=2))
    path = folder / f"pairs{FORMATS[name].ending}"
    export(
        ExportJob(
            session=session,
            form=FORMATS[name],
            outputs={TRAIN: path},
            policy=PairPolicy(),
            ruler=Estimate(),
            user=ANNOTATOR,
        ),
        lambda _done, _total: None,
    )
    return path


def load(folder: Path, name: str) -> Any:
    """The rows as the trainer's own loader has them."""
    path = write_dataset(folder, name)
    kind = "parquet" if name == "parquet" else "json"
    return load_dataset(kind, data_files=str(path), split="train", cache_dir=str(folder / "cache"))


def make_tokenizer() -> Any:
    """A token for every byte, and the template above."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {each: number for number, each in enumerate((*_SPECIAL, *alphabet))}
    bare = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    bare.decoder = decoders.ByteLevel()
    bare.add_special_tokens([AddedToken(each, special=True) for each in _SPECIAL])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bare, pad_token="<|endoftext|>", eos_token=END, model_max_length=4096
    )
    tokenizer.chat_template = CHAT
    return tokenizer


def make_model(tokenizer: Any) -> Any:
    """A language model too small to know anything."""
    return LlamaForCausalLM(_config(tokenizer))


def _config(tokenizer: Any) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        num_labels=1,
    )


def make_reward_model(tokenizer: Any) -> Any:
    """A model of one number."""
    return LlamaForSequenceClassification(_config(tokenizer))
