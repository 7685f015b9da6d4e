"""From marks to preference pairs, and the guard that keeps the dataset clean."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from dpo_tui.domain.model import Mark, Message, Pair, Prompt, Response

_SURROGATE = re.compile("[\ud800-\udfff]")


def dataset_text(text: str) -> str:
    """Text as the dataset carries it.

    Outer white space is stripped, since axolotl's template search corrupts texts that have it; lone
    surrogates become U+FFFD, since pyarrow refuses the whole file that holds one. Nothing else
    changes.
    """
    return _SURROGATE.sub("\ufffd", text).strip()


@dataclass(frozen=True, slots=True)
class Dropped:
    """A chosen x rejected combination that was kept out of the dataset."""

    chosen_id: int
    rejected_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class Pairing:
    """What a confirmed group gives."""

    pairs: tuple[Pair, ...]
    dropped: tuple[Dropped, ...]


def dataset_messages(prompt: Prompt) -> tuple[Message, ...]:
    """The prompt's messages as the dataset carries them; an empty system message is left out."""
    cleaned = (Message(message.role, dataset_text(message.content)) for message in prompt.messages)
    return tuple(each for each in cleaned if each.content or each.role != "system")


def make_pairs(prompt: Prompt, shown: Sequence[Response], marks: Mapping[int, Mark]) -> Pairing:
    """Every chosen x every rejected response, in the order of `shown`.

    A combination whose sides are equal or empty as the dataset would carry them is dropped, and so
    is one that repeats an earlier pair of the group.
    """
    messages = dataset_messages(prompt)
    texts = {each.id: dataset_text(each.completion.text) for each in shown}
    chosen = [each.id for each in shown if marks.get(each.id) is Mark.CHOSEN]
    rejected = [each.id for each in shown if marks.get(each.id) is Mark.REJECTED]
    pairs: dict[tuple[str, str], Pair] = {}
    dropped: list[Dropped] = []
    for good, bad in product(chosen, rejected):
        sides = texts[good], texts[bad]
        if not all(sides):
            dropped.append(Dropped(good, bad, "empty"))
        elif sides[0] == sides[1]:
            dropped.append(Dropped(good, bad, "identical"))
        elif sides in pairs:
            dropped.append(Dropped(good, bad, "repeated"))
        else:
            pairs[sides] = Pair(messages, *sides)
    return Pairing(tuple(pairs.values()), tuple(dropped))
