"""Whether a server that has fallen silent is still there at all.

vLLM stops listening when it is told to end, and keeps the streams that it has open, in silence; so
does a machine that was switched off. A silent server is asked on a new connection: only one that
is refused means something. A server that answers, or is slow to, is merely busy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeVar

from dpo_tui.errors import ConnectError

_T = TypeVar("_T")


class ServerGoneError(ConnectError):
    """The connection is open, and nobody listens any more at its other end."""


class Watch:
    """Waits for what a server sends; looks after it, in intervals, while it sends nothing."""

    def __init__(
        self, refusal: Callable[[], Awaitable[ConnectError | None]], interval: float
    ) -> None:
        self._refusal = refusal
        """What a new connection meets if it is refused; None if it isn't."""
        self._interval = interval
        """Seconds."""
        self._turns = 0
        """Changes whenever a wait begins or ends."""
        self._deadline: asyncio.Timeout | None = None
        self._gone: ConnectError | None = None

    def __enter__(self) -> Self:
        self._task = asyncio.create_task(self._look_after())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._task.cancel()

    async def wait(self, sent: Awaitable[_T], seconds: float) -> _T:
        """What the server sends.

        Raises:
            TimeoutError: it sent nothing for so long.
            ServerGoneError: nor will it, since nobody is there.
        """
        self._turns += 1
        try:
            async with asyncio.timeout(seconds) as self._deadline:
                return await sent
        except TimeoutError:
            if self._gone is None:
                raise
            gone = self._gone
            raise ServerGoneError(f"It fell silent. {gone.message}", remedy=gone.remedy) from gone
        finally:
            self._turns += 1
            self._deadline = None

    async def _look_after(self) -> None:
        while self._gone is None:
            turn = self._turns
            await asyncio.sleep(self._interval)
            if turn != self._turns or self._deadline is None:
                continue
            gone = await self._refusal()
            if gone and turn == self._turns:
                self._gone = gone
                self._deadline.reschedule(asyncio.get_running_loop().time())
