"""Which responses of a group repeat one another, or nearly do.

Repeats are known at once. How similar the others are takes longer, so that it is worked out on a
thread and known a little later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Mapping, Sequence
from hashlib import blake2b
from itertools import combinations
from typing import Generic, TypeVar

from dpo_tui.domain.model import Response
from dpo_tui.domain.twins import bare, find_copies
from dpo_tui.service.painting import PAINTING_SECONDS

_LONGEST = 50_000
"""Characters; comparing takes their square, and beyond this longer than anybody wants to wait."""
_KEPT = 10_000
"""Results that are kept, of each kind."""

_Pair = tuple[int, int]
"""Ids of two responses."""
_V = TypeVar("_V")


class Twins:
    """Finds repeats among ended responses; a text is looked at once."""

    def __init__(self, threshold: float) -> None:
        self.on_change: Callable[[], None] = lambda: None
        """Called when more is known."""
        self.on_crash: Callable[[BaseException], None] = lambda _: None
        """Called when it can't be found out, for a reason that nobody foresaw."""
        self._threshold = threshold
        self._digests: _Kept[int, Hashable] = _Kept()
        self._similarities: _Kept[_Pair, float] = _Kept()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def copies(self, responses: Sequence[Response]) -> dict[int, int]:
        """By the slot of each response that repeats an earlier one, the slot of that one."""
        return find_copies({each.slot: self._digest(each) for each in responses})

    def similar(self, responses: Sequence[Response]) -> Mapping[int, tuple[int, float]]:
        """By slot, the earlier response that is most similar, and how similar (0 to 1).

        As far as it is known; what isn't yet is found out, for which the event loop has to run.
        """
        if self._threshold <= 0:
            return {}
        found: dict[int, tuple[int, float]] = {}
        unknown: list[tuple[Response, Response]] = []
        for earlier, later in combinations(responses, 2):
            similarity = self._similarities.get(_pair(earlier, later))
            if similarity is None:
                unknown.append((earlier, later))
            elif similarity >= self._threshold and (
                later.slot not in found or similarity > found[later.slot][1]
            ):
                found[later.slot] = earlier.slot, similarity
        if unknown and self._task is None and not self._closed:
            self._task = asyncio.create_task(self._find_out(unknown))
        return found

    async def aclose(self) -> None:
        """Stop finding out."""
        self._closed = True
        if self._task:
            await self._task

    async def _find_out(self, unknown: Sequence[tuple[Response, Response]]) -> None:
        await asyncio.sleep(PAINTING_SECONDS)
        try:
            found = await asyncio.to_thread(self._compare, unknown)
        except Exception as error:  # noqa: BLE001 - a thread's error that nobody foresaw
            self.on_crash(error)
            return
        for pair, similarity in found.items():
            self._similarities.put(pair, similarity)
        self._task = None
        self.on_change()

    def _compare(self, unknown: Sequence[tuple[Response, Response]]) -> dict[_Pair, float]:
        # Loaded here: it takes as long as a tenth of the start.
        from rapidfuzz.distance import Indel  # noqa: PLC0415

        found: dict[_Pair, float] = {}
        texts: dict[int, str] = {}
        for pair in unknown:
            if self._closed:
                break
            one, other = (
                texts.get(each.id) or texts.setdefault(each.id, bare(each.completion.text))
                for each in pair
            )
            if max(len(one), len(other)) > _LONGEST:
                similarity = 0.0
            else:
                similarity = Indel.normalized_similarity(one, other, score_cutoff=self._threshold)
            found[_pair(*pair)] = similarity
        return found

    def _digest(self, response: Response) -> Hashable:
        digest = self._digests.get(response.id)
        if digest is None:
            text = bare(response.completion.text).encode("utf-8", "surrogatepass")
            digest = blake2b(text, digest_size=16).digest()
            self._digests.put(response.id, digest)
        return digest


def _pair(one: Response, other: Response) -> _Pair:
    return (one.id, other.id) if one.id < other.id else (other.id, one.id)


_K = TypeVar("_K", bound=Hashable)


class _Kept(Generic[_K, _V]):
    """The newest results, the oldest ones forgotten."""

    def __init__(self) -> None:
        self._items: dict[_K, _V] = {}

    def get(self, key: _K) -> _V | None:
        return self._items.get(key)

    def put(self, key: _K, value: _V) -> None:
        if len(self._items) >= _KEPT:
            del self._items[next(iter(self._items))]
        self._items[key] = value
