"""The table of dataset formats: one row each, and a module of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from msgspec import Struct

from dpo_tui.datasets import (
    axolotl,
    llamafactory_alpaca,
    llamafactory_sharegpt,
    nemo_rl,
    openai,
    sft,
    spreadsheet,
    swift,
    swift_messages,
    trl,
    trl_implicit,
    trl_kto,
    trl_reward,
    trl_standard,
)
from dpo_tui.datasets.lines import line_of, lines_of
from dpo_tui.domain.model import Message, Pair
from dpo_tui.domain.pairs import Example, Rating, Unit
from dpo_tui.errors import InputError

_PROMPT = (Message("user", "question"),)
_PAIR = Pair(_PROMPT, "good", "bad")
_RATING = Rating(_PROMPT, "good", is_good=True)


class Format(Struct, frozen=True):
    """One form that trainers read."""

    name: str
    readers: str
    """Who reads it."""
    row: Callable[[Any], object]
    """What an example becomes: a value that msgspec encodes, the same fields every time."""
    unit: Unit = Unit.PAIR
    ending: str = ".jsonl"
    """Of a file's name."""
    objection: Callable[[Any], str] | None = None
    """Why an example can't be told in this form; empty if it can."""
    tells_schema: Callable[[Sequence[Message]], bool] | None = None
    """Whether the row of such a conversation says what all columns hold, if not every row does. One
    that does has to come first, or a reader that infers the columns from the first block refuses a
    later one. What is said of a conversation holds for a shorter one too, if it is no."""
    dataset_info: Callable[[str], dict[str, object]] | None = None
    """The entry of `dataset_info.json` for a file of this name."""
    config: Callable[[str], str] | None = None
    """What a trainer's configuration has to say of a file of this name."""

    @property
    def is_lines(self) -> bool:
        """Whether a file of it is JSON lines."""
        return self.ending == ".jsonl"

    @property
    def is_live(self) -> bool:
        """Whether a file can grow in it a row at a time, whatever comes."""
        return self.is_lines and not (self.objection or self.tells_schema)

    def line(self, example: Example) -> bytes:
        """One example as one line of a file."""
        return line_of(self.row(example))

    def lines(self, examples: Iterable[Example]) -> Iterator[bytes]:
        """The same of many examples."""
        return lines_of(self.row, examples)

    def is_like(self, lines: bytes) -> bool:
        """Whether the first of these lines has this form's columns, with values of their types."""
        sample = _PAIR if self.unit is Unit.PAIR else _RATING
        ours, theirs = (
            [(key, type(value)) for key, value in json.loads(each.split(b"\n", 1)[0]).items()]
            for each in (self.line(sample), lines)
        )
        return ours == theirs


_ALL: Sequence[Format] = (
    Format("swift", "ms-swift: DPO, ORPO, CPO, SimPO, reward models", swift.row),
    Format("swift-messages", "ms-swift, both conversations in full", swift_messages.row),
    Format("trl", "TRL: DPO, CPO, ORPO; Unsloth, alignment-handbook", trl.row),
    Format("trl-implicit", "TRL without a prompt column; torchtune", trl_implicit.row),
    Format("trl-standard", "TRL as plain strings, for base models", trl_standard.row),
    Format("trl-kto", "TRL: KTO, unpaired", trl_kto.row, Unit.RATING),
    Format("trl-reward", "TRL: reward models, with a margin from the strength", trl_reward.row),
    Format(
        "llamafactory-sharegpt",
        "LLaMA-Factory, several turns",
        llamafactory_sharegpt.row,
        dataset_info=llamafactory_sharegpt.dataset_info,
    ),
    Format(
        "llamafactory-alpaca",
        "LLaMA-Factory, its own form",
        llamafactory_alpaca.row,
        objection=llamafactory_alpaca.objection,
        tells_schema=llamafactory_alpaca.has_history,
        dataset_info=llamafactory_alpaca.dataset_info,
    ),
    Format("axolotl", "axolotl: DPO, IPO, SimPO", axolotl.row, config=axolotl.config),
    Format("openrlhf", "OpenRLHF: DPO, reward models", trl_implicit.row, config=trl_implicit.flags),
    Format("nemo-rl", "NeMo-RL: PreferenceDataset", nemo_rl.row),
    Format("openai", "OpenAI, Azure OpenAI, Together, Fireworks", openai.row),
    Format("csv", "spreadsheets, and people", spreadsheet.row, ending=".csv"),
    Format("parquet", "TRL, from columns (needs the extra 'parquet')", trl.row, ending=".parquet"),
    Format("sft", "supervised fine-tuning on the chosen responses", sft.row, Unit.GOOD),
)
FORMATS = {each.name: each for each in _ALL}
"""By name."""
DEFAULT = FORMATS["swift"]


def format_named(name: str) -> Format:
    """The format of this name.

    Raises:
        InputError: there is none.
    """
    if found := FORMATS.get(name):
        return found
    close = get_close_matches(name, FORMATS, n=1)
    hint = f"Did you mean {close[0]}? " if close else ""
    raise InputError(f"there is no format {name!r}", remedy=f"{hint}Formats: {', '.join(FORMATS)}.")
