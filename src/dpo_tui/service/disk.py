"""The store on a thread of its own: SQLite blocks, the event loop must not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from dpo_tui.service.ports import Store

P = ParamSpec("P")
T = TypeVar("T")


class Disk:
    """Runs blocking calls one after the other, in the order in which they were asked for."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `call` on the store's thread and wait for it.

        A caller that is cancelled leaves the call to finish, also one that has yet to begin: what
        was to be committed is committed.
        """
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._thread, partial(call, *args, **kwargs))
        return await asyncio.shield(work)

    async def aclose(self) -> None:
        """Finish what was asked for, then give the session free."""
        await self.run(self.store.close)
        self._thread.shutdown(wait=False)
