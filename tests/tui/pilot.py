"""The app under test, driven by Textual's Pilot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from dpo_tui.domain.model import Mark, Prompt
from dpo_tui.service.onscreen import LabellingOptions
from dpo_tui.tui.app import DpoTuiApp
from dpo_tui.tui.look import Look
from dpo_tui.tui.themes import DARK
from tests.servers import replies
from tests.servers.wire import ChatServer, Reply
from tests.service.desk import PLAIN, Desk, desk


class Screen:
    """The app under test: what it shows, and the service behind it."""

    def __init__(self, app: DpoTuiApp, pilot: Pilot[None], here: Desk, server: ChatServer) -> None:
        self.app = app
        self.pilot = pilot
        self.desk = here
        self.server = server

    def text(self) -> str:
        """Every line on the screen."""
        width, height = self.app.size
        strips = self.app.screen._compositor.render_strips(self.app.size)
        assert len(strips) == height
        return "\n".join(strip.text.rstrip()[:width] for strip in strips)

    async def until(self, wanted: str | Callable[[], object]) -> None:
        """Wait until a text is on the screen, or something is the case."""
        async with asyncio.timeout(20):
            while not (wanted in self.text() if isinstance(wanted, str) else wanted()):
                await self.pilot.pause(0.01)

    async def settled(self) -> None:
        """Wait until everything that is known is painted."""
        await self.until(lambda: not self.app.annotate.is_behind)
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    @property
    def marks(self) -> list[Mark | None]:
        return [card.mark for card in self.desk.cards]

    @property
    def current(self) -> int:
        return self.app.annotate.cards.current


@asynccontextmanager
async def screen(
    folder: Path,
    reply: Reply,
    given: Sequence[Prompt],
    *,
    n: int = 3,
    size: tuple[int, int] = (80, 24),
    look: Look | None = None,
    options: LabellingOptions = PLAIN,
) -> AsyncIterator[Screen]:
    async with (
        ChatServer(reply) as server,
        desk(folder, server.url, given, n=n, options=options) as here,
    ):
        app = DpoTuiApp(
            here.labelling,
            name="prompts.toml",
            dataset="prompts.dpo.jsonl",
            named="prompts.toml",
            resume="dpo-tui annotate prompts.toml",
            look=look or Look(theme=DARK.name),  # whatever this terminal can show
        )
        async with app.run_test(size=size, notifications=True) as pilot:
            yield Screen(app, pilot, here, server)


ABC = replies.completion("alpha text", "beta text", "gamma text")
