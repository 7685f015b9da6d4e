"""Two sides for training and testing, with no prompt nor one much like it on both."""

from __future__ import annotations

import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import combinations
from math import ceil
from unicodedata import normalize

from dpo_tui.domain.model import Message

NEAR = 0.9
"""Prompts are near-identical if they have this share of their different words in common."""
_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_ROUNDING = 1e-9
_SHORT = 60
"""Different words that a short prompt has at most."""
_WORD = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])\w)+")
"""A word; where a script puts no spaces between words (Thai, Lao, Japanese, Chinese), or joins them
(Korean), a character."""


class PromptSplit:
    """Collects prompts and then says which of them are for testing.

    Near-identical ones are kept together, and so is what is near-identical to these. Holds the
    words of every prompt as numbers: some 4 bytes a word.
    """

    def __init__(self) -> None:
        self._keys: list[bytes] = []
        self._words: list[array[int]] = []
        self._numbers: dict[str, int] = {}
        self._counts: Counter[int] = Counter()

    def add(self, key: str, messages: Sequence[Message]) -> None:
        """Take in a prompt; each one once."""
        text = " ".join(each.content for each in messages if each.role != "system")
        words = _WORD.findall(normalize("NFKC", text).casefold())
        numbers = {self._numbers.setdefault(each, len(self._numbers)) for each in words}
        self._keys.append(bytes.fromhex(key))
        self._words.append(array("I", sorted(numbers)))
        self._counts.update(numbers)

    def test_keys(self, share: float, seed: int) -> frozenset[str]:
        """The prompts for testing: about this share of them, at least one, drawn by the seed.

        Empty if near-identical prompts leave no way to have both sides.
        """
        total = len(self._keys)
        wanted = min(max(1, round(share * total)), total - 1)
        clusters: defaultdict[int, list[int]] = defaultdict(list)
        for index, root in enumerate(self._roots()):
            clusters[root].append(index)
        taken: list[int] = []
        drawn = sorted(clusters.values(), key=lambda each: self._lot(each, seed))
        for members in drawn:
            if len(taken) + len(members) <= wanted:
                taken += members
        if not taken:  # even the smallest cluster is larger than what was asked for
            smallest = min(drawn, key=len, default=[])
            taken = smallest if len(smallest) < total else []
        return frozenset(self._keys[each].hex() for each in taken)

    def _lot(self, members: Sequence[int], seed: int) -> bytes:
        first = min(self._keys[each] for each in members)
        return blake2b(first, digest_size=8, salt=(seed % 2**64).to_bytes(8)).digest()

    def _roots(self) -> list[int]:
        """For every prompt a number that near-identical ones share.

        Of two sets that have at least the share NEAR in common, ordered by how rare a word is, any
        k words are in both beginnings of n - ceil(NEAR * n) + k words (prefix filtering, as in
        Wang, Li and Feng, "Can we beat the prefix filtering?", 2012). Where that says little, the
        sets are compared.
        """
        roots = list(range(len(self._keys)))

        def root_of(index: int) -> int:
            while roots[index] != index:
                roots[index] = roots[roots[index]]
                index = roots[index]
            return index

        same: dict[bytes, int] = {}
        known: defaultdict[tuple[int, ...], dict[int, list[int]]] = defaultdict(dict)
        for index, words in enumerate(self._words):
            if (first := same.setdefault(words.tobytes(), index)) != index:
                roots[index] = root_of(first)
                continue
            keys = [*self._beginnings(words)]
            own = set(words)
            sizes = [*_near_sizes(len(words))]
            for key in ((size, *key) for key in keys for size in sizes):
                for root, members in [*known.get(key, {}).items()]:
                    mine, other = root_of(index), root_of(root)
                    if mine != other and any(self._are_near(own, each) for each in members):
                        roots[mine] = other
            for key in keys:
                found = known[len(words), *key]
                found.setdefault(root_of(index), []).append(index)
        return [root_of(each) for each in range(len(roots))]

    def _beginnings(self, words: array[int]) -> Iterator[tuple[int, ...]]:
        """What a set has at least one of in common with every set that is near to it."""
        size = len(words)
        ordered = sorted(words, key=lambda word: (self._counts[word], word))
        sizes = size * NEAR, size, size / NEAR
        for together in {_together(each) for each in sizes}:
            count = size - ceil(NEAR * size - _ROUNDING) + together
            yield from combinations(ordered[:count], min(together, size))

    def _are_near(self, own: set[int], other: int) -> bool:
        words = self._words[other]
        shorter, longer = sorted((len(own), len(words)))
        if shorter < NEAR * longer:
            return False
        common = len(own.intersection(words))
        return common >= NEAR * (len(own) + len(words) - common)


def _near_sizes(size: int) -> Iterator[int]:
    """How many words another set can have that is near to one of so many."""
    for other in range(ceil(NEAR * size - _ROUNDING), int(size / NEAR + _ROUNDING) + 1):
        common = ceil(NEAR / (1 + NEAR) * (size + other) - _ROUNDING)
        # Sets of the same size that have to have all in common are the same set.
        if common <= min(size, other) and not common == size == other:
            yield other


def _together(size: float) -> int:
    """How many words are looked up together in sets of about this size.

    Three say much more than one, but long sets have too many threes.
    """
    return 3 if size <= _SHORT else 1
