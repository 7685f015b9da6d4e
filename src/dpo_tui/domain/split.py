"""Two sides for training and testing, with no prompt nor one much like it on both."""

from __future__ import annotations

import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import combinations
from math import ceil, inf
from unicodedata import normalize

from dpo_tui.domain.model import Message

NEAR = 0.9
"""Prompts are near-identical if they have this share of their different words in common."""
_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_ROUNDING = 1e-9
_SKETCH_BITS = 512
_SEVERAL = -1
"""In place of a cluster's number: sets that can be of any."""
_NONE: Mapping[int, Sequence[int]] = {}
_Words = tuple[int, ...]
_TOGETHER = ((19, 8), (29, 4), (39, 3), (60, 2), (inf, 1))
"""Words that are looked up together, in sets of at most so many words: the more, the more they say,
but the longer a set, the more ways there are to choose them. Near-identical sets are of the same
step or of neighbours; the step of the smaller set counts, since its more words say more."""
_WORD = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])\w)+")
"""A word; where a script puts no spaces between words (Thai, Lao, Japanese, Chinese), or joins them
(Korean), a character."""


class PromptSplit:
    """Collects prompts and then says which of them are for testing.

    Near-identical ones are kept together, and so is what is near-identical to these. Holds the
    words of every prompt as numbers, and where its rarest words lead: 1 to 4 kB a prompt.
    """

    def __init__(self) -> None:
        self._keys: list[bytes] = []
        self._words: list[array[int]] = []
        self._sketches: list[int] = []
        self._numbers: dict[str, int] = {}
        self._counts: Counter[int] = Counter()

    def add(self, key: str, messages: Sequence[Message]) -> None:
        """Take in a prompt; each one once."""
        text = " ".join(each.content for each in messages if each.role != "system")
        words = _WORD.findall(normalize("NFKC", text).casefold())
        numbers = {self._numbers.setdefault(each, len(self._numbers)) for each in words}
        self._keys.append(bytes.fromhex(key))
        self._words.append(array("I", sorted(numbers)))
        self._sketches.append(_sketch(numbers))
        self._counts.update(numbers)

    def test_keys(self, share: float, seed: int) -> frozenset[str]:
        """The prompts for testing: about this share of them, at least one, drawn by the seed.

        Empty if near-identical prompts leave no way to have both sides.
        """
        total = len(self._keys)
        wanted = min(max(1, round(share * total)), total - 1)
        clusters: defaultdict[int, list[int]] = defaultdict(list)
        found = self._clusters()
        for index in range(total):
            clusters[found.root(index)].append(index)
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

    def _clusters(self) -> _Clusters:
        """Which prompts belong together.

        Of two sets that have at least the share NEAR in common, ordered by how rare a word is, any
        k words are in both beginnings of n - ceil(NEAR * n) + k words (prefix filtering, as in
        Wang, Li and Feng, "Can we beat the prefix filtering?", 2012). Where that says little, the
        sketches of the sets are compared, and then the sets.
        """
        clusters = _Clusters(len(self._keys))
        lookup = _Lookup()
        same: dict[bytes, int] = {}
        for index, words in enumerate(self._words):
            if (first := same.setdefault(words.tobytes(), index)) != index:
                clusters.unite(index, first)
                continue
            beginnings = [*self._beginnings(words)]
            own = set(words)
            for size, differing in _near_sizes(len(words)):
                for root, members in lookup.found(size, beginnings):
                    if root != _SEVERAL and clusters.are_together(root, index):
                        continue
                    for each in self._similar(index, members, differing):
                        if not clusters.are_together(each, index) and self._are_near(own, each):
                            clusters.unite(index, each)
            lookup.add(len(words), beginnings, index, clusters.root(index))
        return clusters

    def _beginnings(self, words: array[int]) -> Iterator[_Words]:
        """What a set has at least one of in common with every set that is near to it."""
        size = len(words)
        ordered = sorted(words, key=lambda word: (self._counts[word], word))
        # The step of the smaller set counts: of this one, or of one that is just near enough.
        for together in {_together(each) for each in (size * NEAR, size)}:
            count = size - ceil(NEAR * size - _ROUNDING) + together
            # A word of this set alone is in common with none.
            known = [each for each in ordered[:count] if self._counts[each] > 1]
            yield from combinations(known, min(together, size))

    def _similar(self, index: int, members: Iterable[int], differing: int) -> list[int]:
        """Those of which the sketches allow that at most so many words differ."""
        sketches = self._sketches
        own = sketches[index]
        return [each for each in members if (own ^ sketches[each]).bit_count() <= differing]

    def _are_near(self, own: set[int], other: int) -> bool:
        words = self._words[other]
        common = len(own.intersection(words))
        return common >= NEAR * (len(own) + len(words) - common)


class _Clusters:
    """Numbers that are brought together."""

    def __init__(self, count: int) -> None:
        self._above = list(range(count))

    def root(self, index: int) -> int:
        """The same number for all that are together."""
        above = self._above
        while above[index] != index:
            above[index] = above[above[index]]
            index = above[index]
        return index

    def are_together(self, one: int, other: int) -> bool:
        """Whether two have been brought together."""
        return self.root(one) == self.root(other)

    def unite(self, one: int, other: int) -> None:
        """Bring two together, and all that are with them."""
        self._above[self.root(one)] = self.root(other)


class _Lookup:
    """Sets by their beginnings; most are of one set, so that only later ones know their cluster.

    Those that were like none before them are looked through at once, as there can be very many.
    """

    def __init__(self) -> None:
        self._first: dict[int, int] = {}
        self._later: defaultdict[int, dict[int, list[int]]] = defaultdict(dict)

    def add(self, size: int, beginnings: Iterable[_Words], index: int, root: int) -> None:
        """Take in a set of this size and cluster."""
        for each in beginnings:
            place = hash((size, *each))
            if self._first.setdefault(place, index) != index:
                cluster = _SEVERAL if root == index else root
                self._later[place].setdefault(cluster, []).append(index)

    def found(self, size: int, beginnings: Iterable[_Words]) -> Iterator[tuple[int, Sequence[int]]]:
        """The sets of this size that have one of these, by what was their cluster's number."""
        for each in beginnings:
            place = hash((size, *each))
            if (first := self._first.get(place)) is not None:
                yield _SEVERAL, (first,)
                yield from self._later.get(place, _NONE).items()


def _near_sizes(size: int) -> Iterator[tuple[int, int]]:
    """How many words another set can have that is near to one of so many; and how many differ."""
    for other in range(ceil(NEAR * size - _ROUNDING), int(size / NEAR + _ROUNDING) + 1):
        common = ceil(NEAR / (1 + NEAR) * (size + other) - _ROUNDING)
        # Sets of the same size that have to have all in common are the same set.
        if common <= min(size, other) and not common == size == other:
            yield other, size + other - 2 * common


def _sketch(words: Iterable[int]) -> int:
    """Some bits, of which two sets have no more different ones than they have words."""
    sketch = 0
    for word in words:
        sketch ^= 1 << word % _SKETCH_BITS
    return sketch


def _together(size: float) -> int:
    """How many words are looked up together in sets of about this size."""
    return next(together for longest, together in _TOGETHER if size <= longest)
