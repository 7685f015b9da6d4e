"""Make docs/screenshot.svg: the app itself, with the small real model of `make demo`.

Run from the repository's root: python docs/screenshot.py
"""

import asyncio
import tempfile
from pathlib import Path

from dpo_tui.backend.client import HttpChatClient
from dpo_tui.backend.embedded import EmbeddedServer, find_model_file
from dpo_tui.datasets import swift
from dpo_tui.datasets.live import LiveDataset
from dpo_tui.domain.model import Sampling
from dpo_tui.domain.sources import SamplingPlan
from dpo_tui.main import SystemClock
from dpo_tui.prompts import read_prompts
from dpo_tui.service.disk import Disk
from dpo_tui.service.generation import Generation, GenerationOptions, Route
from dpo_tui.service.labelling import Labelling
from dpo_tui.service.onscreen import LabellingOptions
from dpo_tui.store.role import GeneratorRole
from dpo_tui.store.session import SessionStore
from dpo_tui.tui.app import DpoTuiApp
from dpo_tui.tui.look import Look
from dpo_tui.tui.themes import DARK

SIZE = (110, 32)
LOOK = Look(theme=DARK.name)
KEYS = ("space", "enter", "down", "space", "down", "x")


async def shoot(folder: Path) -> str:
    """Label one group, begin the next one, and take the picture."""
    server = EmbeddedServer(find_model_file(None))
    client = HttpChatClient(await server.start(print), server.model, server.key)
    store = SessionStore.open(folder / "session.db", annotator="you")
    store.import_prompts(read_prompts(Path("examples/prompts.toml")))
    disk, role, clock = Disk(store), GeneratorRole(store.path, insists=False), SystemClock()
    options = GenerationOptions(4, SamplingPlan(Sampling(seed=4, max_tokens=120)), None)
    generation = Generation(disk, [Route(client, 8)], options, clock, "you", role)
    dataset = LiveDataset(folder / "prompts.dpo.jsonl", swift.encode)
    labelling = Labelling(disk, dataset, generation, clock, "you", LabellingOptions())
    app = DpoTuiApp(labelling, name="prompts.toml", dataset="", named="", resume="", look=LOOK)
    try:
        await labelling.open()
        async with app.run_test(size=SIZE) as pilot:
            generation.start()
            for key in KEYS:
                while (sheet := labelling.sheet) and any(card.phase for card in sheet.cards):
                    await pilot.pause(0.05)
                await pilot.press(key)
            await pilot.pause(0.3)
            return app.export_screenshot(title="dpo-tui annotate prompts.toml")
    finally:
        await labelling.aclose()
        server.stop()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        Path("docs/screenshot.svg").write_text(asyncio.run(shoot(Path(name))))
