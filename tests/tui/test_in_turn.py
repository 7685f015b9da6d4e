"""Keys wait for the one before them, but not for ever."""

import asyncio
from pathlib import Path

from textual.events import Key

from dpo_tui.domain.model import Message, Prompt
from tests.samples import ready
from tests.tui.pilot import ABC, screen


async def test_the_key_that_leaves_waits_for_none_that_hangs(tmp_path: Path) -> None:
    left = asyncio.Event()
    given = [Prompt((Message("user", "question"),), responses=ready("one", "two"))]
    async with screen(tmp_path, ABC, given) as here:
        await here.until("two")

        def look() -> None:
            if here.app.return_code is None:
                asyncio.get_running_loop().call_later(0.01, look)
            else:
                left.set()

        look()
        here.app.annotate.call_later(left.wait)
        for key in ("j", "k", "ctrl+c"):
            here.app.post_message(Key(key, None))
        try:
            async with asyncio.timeout(20):
                await left.wait()
        finally:
            left.set()
