"""The form of ms-swift and its peers: the conversation ends with the chosen response."""

from __future__ import annotations

import json

from dpo_tui.domain.model import Pair


def encode(pair: Pair) -> bytes:
    """One pair as one line of UTF-8, nothing escaped that JSON doesn't ask for.

    A lone surrogate has no bytes in UTF-8 and becomes a question mark; `domain.pairs` leaves none.
    """
    messages = [{"role": each.role, "content": each.content} for each in pair.messages]
    messages.append({"role": "assistant", "content": pair.chosen})
    row = {"messages": messages, "rejected_response": pair.rejected}
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
