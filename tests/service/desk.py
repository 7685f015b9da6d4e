"""The whole service over a real session file, a real dataset file and a real server."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from dpo_tui.backend.client import HttpChatClient
from dpo_tui.datasets import swift
from dpo_tui.datasets.live import LiveDataset
from dpo_tui.domain.model import Mark, Message, Prompt, Sampling
from dpo_tui.domain.sources import SamplingPlan, SourceSettings
from dpo_tui.service.disk import Disk
from dpo_tui.service.generation import Generation, GenerationOptions, Route
from dpo_tui.service.labelling import Labelling
from dpo_tui.service.onscreen import LabellingOptions
from dpo_tui.service.outcomes import Confirmed, Refused
from dpo_tui.service.ports import Clock
from dpo_tui.service.sheet import Card
from dpo_tui.store.role import GeneratorRole
from dpo_tui.store.session import SessionStore
from tests.servers import replies
from tests.servers.wire import MODEL, Reply

ANNOTATOR = "ann"


class WallClock:
    """Real time."""

    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)


WALL_CLOCK = WallClock()
PLAIN = LabellingOptions(shuffle=False)
"""Cards in the order of their slots, so that a test can name them."""


def begun_and_endless(*ended: str) -> Reply:
    """Choices that have ended for good, and one more that streams for ever."""
    blocks = [replies.chunk(index, text, "stop") for index, text in enumerate(ended)]
    # A client waits a while for text behind a finish_reason: some servers send it late.
    more = [replies.chunk(len(ended), "and on ") for _ in range(64)]
    return replies.events(*blocks, *more, ends=False)


def prompts(*texts: str) -> list[Prompt]:
    """Prompts with one user turn each."""
    return [Prompt((Message("user", text),)) for text in texts]


class Desk:
    """A labelling service that is running, and what it left on disk."""

    def __init__(
        self, labelling: Labelling, store: SessionStore, disk: Disk, dataset: Path
    ) -> None:
        self.labelling = labelling
        self.generation = labelling.generation
        self.store = store
        self.disk = disk
        self.dataset = dataset
        self._changed = asyncio.Event()
        labelling.on_change = self._changed.set

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is the case; every change of the service is a reason to look."""
        async with asyncio.timeout(60):
            while not condition():
                self._changed.clear()
                if not condition():
                    await self._changed.wait()

    async def until_ended(self) -> tuple[Card, ...]:
        """Wait until every card of the group on screen has ended."""
        await self.until(lambda: all(card.phase is None for card in self.cards))
        return self.cards

    @property
    def cards(self) -> tuple[Card, ...]:
        """The cards on screen."""
        sheet = self.labelling.sheet
        return sheet.cards if sheet else ()

    async def label(self, *chosen: int) -> Confirmed:
        """Choose these slots and confirm."""
        for slot in chosen:
            assert not isinstance(await self.labelling.marking.toggle(slot, Mark.CHOSEN), Refused)
        outcome = await self.labelling.confirm()
        assert isinstance(outcome, Confirmed)
        return outcome

    async def rows(self) -> list[dict[str, Any]]:
        """The lines of the dataset file, when it has caught up."""
        await self.labelling.settle()
        if not self.dataset.exists():
            return []
        return [json.loads(line) for line in self.dataset.read_text().splitlines()]


@asynccontextmanager
async def desk(
    folder: Path,
    url: str | None,
    given: Sequence[Prompt],
    *,
    n: int = 2,
    ahead: int | None = 2,
    concurrency: int = 8,
    sampling: Sampling | None = None,
    options: LabellingOptions = PLAIN,
    routes: Sequence[Route] = (),
    sources: Sequence[SourceSettings] = (),
    clock: Clock = WALL_CLOCK,
    encode: Callable[[Any], bytes] = swift.encode,
) -> AsyncIterator[Desk]:
    """Open the session in `folder` and run the service until the block ends."""
    store = SessionStore.open(folder / "session.db", annotator=ANNOTATOR)
    store.import_prompts(given)
    dataset = LiveDataset(folder / "pairs.jsonl", encode)
    disk = Disk(store)
    if url:
        routes = [Route(HttpChatClient(url, MODEL), concurrency)]
    asked = GenerationOptions(n, SamplingPlan(sampling or Sampling()), ahead, sources)
    role = GeneratorRole(store.path, insists=False)
    generation = Generation(disk, routes, asked, clock, ANNOTATOR, role)
    crashes: list[BaseException] = []
    generation.on_crash = crashes.append
    labelling = Labelling(disk, dataset, generation, clock, ANNOTATOR, options)
    here = Desk(labelling, store, disk, dataset.path)
    await labelling.open()
    generation.start()
    try:
        yield here
    finally:
        await labelling.aclose()
    assert not crashes, crashes
