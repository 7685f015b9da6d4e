"""In which order the cards of a group are shown: by chance, and always the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256


def card_order(seed: str, slots: Iterable[int], later: Iterable[int]) -> Sequence[int]:
    """Slots as their cards are shown: shuffled by the seed, then those of `later` as they are.

    A slot more or less changes nothing about the order of the others, so that a group keeps its
    face while it grows.
    """
    return (*sorted(slots, key=lambda slot: _lot(seed, slot)), *sorted(later))


def _lot(seed: str, slot: int) -> bytes:
    # A hash and not `random`, whose sequences may be other ones in another Python.
    return sha256(f"{slot} {seed}".encode("utf-8", "surrogatepass")).digest()
