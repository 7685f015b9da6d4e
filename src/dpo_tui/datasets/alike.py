"""Whether two texts are nearly the same."""

from __future__ import annotations

from rapidfuzz.distance import Indel

_distance = Indel.distance
_similarity = Indel.normalized_similarity
_ROUNDING = 1e-6
"""What is exactly the share would be below a cutoff of it."""
_TELLING = 1.7
"""A beginning of so many times the allowed distance tells that other words are other words."""
LONGEST = 50_000
"""Characters of the longer text; comparing takes their square, and 1 MB a quarter of a minute."""


def are_alike(one: str, other: str, share: float) -> bool:
    """Whether they have this share of their characters (0 to 1) in common, in the same order.

    False for texts that are longer than `LONGEST`, which aren't compared.

    Comparing takes the product of their lengths, so that most are told apart by their beginnings.
    With equally much cut off from both ends they are no further apart than whole: in whatever way
    one becomes the other, as many characters as it puts on one side of a cut it takes to the other.
    """
    size, other_size = len(one), len(other)
    if max(size, other_size) > LONGEST:
        return False
    allowed = int((1 - share) * (size + other_size)) + 1  # and one for the rounding
    if not -allowed <= size - other_size <= allowed:
        return False
    cut = int(_TELLING * allowed) - min(size, other_size)
    if cut < 0 and _distance(one[:cut], other[:cut], score_cutoff=allowed) > allowed:
        return False
    return _similarity(one, other, score_cutoff=share - _ROUNDING) >= share
