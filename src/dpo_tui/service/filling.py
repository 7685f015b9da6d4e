"""Generating a whole session without a screen: the same engine, with nobody to wait for."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from msgspec import Struct, field

from dpo_tui.domain.labelling import is_broken
from dpo_tui.domain.model import Group, Response
from dpo_tui.service.disk import Disk
from dpo_tui.service.generation import Generation

_CHUNK = 64
"""Groups that are looked at in one go for the next ones that lack something."""


_REASONS = 100


class Filled(Struct):
    """How far a run has come."""

    groups: int = 0
    """Groups that are complete, those that were before included."""
    responses: int = 0
    """Responses that came in this run, broken ones included."""
    broken: int = 0
    """Responses that came in this run and have no text to judge."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Why responses failed, and how many did; the first few different reasons."""
    tokens: int = 0
    """Tokens of the responses that came in this run."""


class Filling:
    """Keeps the engine supplied with groups that lack responses until there are none."""

    def __init__(
        self, disk: Disk, generation: Generation, annotator: str, limit: int | None
    ) -> None:
        self.filled = Filled()
        self._disk = disk
        self._generation = generation
        self._annotator = annotator
        self._room = limit
        """How many more groups may be begun; None if there is no limit."""
        self._position = 0
        self._changed = asyncio.Event()
        generation.on_stored = self._stored

    async def run(self, on_progress: Callable[[], None]) -> None:
        """Generate what the undecided groups lack; `on_progress` is called after every response."""
        while True:
            fresh = await self._fresh(self._generation.breadth - len(self._unfinished()))
            # The engine's own copies have what came meanwhile: nothing may come in between here.
            unfinished = self._unfinished()
            self.filled.groups += len(self._generation.window) - len(unfinished)
            self._generation.cover([*unfinished, *fresh])
            on_progress()
            if not self._generation.window:
                break
            await self._changed.wait()
            self._changed.clear()

    def _unfinished(self) -> list[Group]:
        """What of the window still lacks something."""
        window = self._generation.window
        return [group for group in window if not self._generation.is_complete(group)]

    async def _fresh(self, wanted: int) -> list[Group]:
        """The next groups that lack something, at most `wanted`."""
        fresh: list[Group] = []
        while len(fresh) < wanted and self._room != 0:
            groups = await self._disk.run(
                self._disk.store.upcoming, self._annotator, self._position, _CHUNK
            )
            if not groups:
                break
            for group in groups:
                if len(fresh) >= wanted or self._room == 0:
                    break
                self._position = group.position + 1
                if self._generation.is_complete(group):
                    self.filled.groups += 1
                else:
                    fresh.append(group)
                    if self._room is not None:
                        self._room -= 1
        return fresh

    def _stored(self, response: Response) -> None:
        completion = response.completion
        self.filled.responses += 1
        self.filled.broken += is_broken(completion)
        reasons = self.filled.reasons
        if completion.error and (completion.error in reasons or len(reasons) < _REASONS):
            reasons[completion.error] += 1
        self.filled.tokens += completion.completion_tokens or 0
        self._changed.set()
