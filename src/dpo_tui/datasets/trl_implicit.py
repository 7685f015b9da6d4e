"""Two whole conversations: TRL without a prompt column, OpenRLHF, torchtune.

Source: `trl/data_utils.py` of TRL 1.16, `extract_prompt`; `openrlhf/datasets/reward_dataset.py` of
OpenRLHF 0.11.
"""

from __future__ import annotations

from msgspec import Struct

from dpo_tui.datasets.chat import Turns, ended_with
from dpo_tui.domain.model import Pair


class Row(Struct, frozen=True, gc=False):
    """One pair."""

    chosen: Turns
    rejected: Turns


def row(pair: Pair) -> Row:
    """The row of a pair."""
    return Row(
        ended_with(pair.messages, pair.chosen),
        ended_with(pair.messages, pair.rejected),
    )


def flags(_: str) -> str:
    """What OpenRLHF's command line has to say of the file, wherever it is."""
    return "--data.apply_chat_template --data.chosen_key chosen --data.rejected_key rejected\n"
