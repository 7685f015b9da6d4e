"""How a quantity is spread, from any number of values in bounded memory."""

from __future__ import annotations

from collections import Counter


class Spread:
    """Counts whole numbers from 0 on; of those from 1000 on, three digits are kept."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, value: int) -> None:
        """Take in a value."""
        step = 10 ** max(len(str(value)) - 3, 0)
        self._counts[value // step * step] += 1

    def merge(self, other: Spread) -> None:
        """Take in the values of another one."""
        self._counts.update(other._counts)

    def quantile(self, share: float) -> int:
        """The smallest value that at least this share of all values doesn't exceed."""
        wanted = share * self._counts.total()
        seen = 0
        for value, count in sorted(self._counts.items()):
            seen += count
            if seen >= wanted:
                return value
        return 0
