"""Whose turn it is to generate for a session, when several processes work on it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from dpo_tui.errors import StoreError
from dpo_tui.service.disk import Disk
from dpo_tui.service.ports import Role

_LOOK_SECONDS = 1.0


class RoleKeeper:
    """Takes the role when it is free, and gives it up to a process that insists on it."""

    def __init__(
        self,
        role: Role,
        disk: Disk,
        is_busy: Callable[[], bool],
        read_along: Callable[[], Awaitable[None]],
        on_change: Callable[[], None],
    ) -> None:
        self.is_elsewhere = False
        """Whether another process generates."""
        self.trouble: StoreError | None = None
        """Why it can't be told whose turn it is."""
        self._role = role
        self._disk = disk
        self._is_busy = is_busy
        """Whether something is under way that has to end before the role is given up."""
        self._read_along = read_along
        """Takes in what other processes have brought."""
        self._on_change = on_change
        self._is_ours = False
        self._yields = False
        """Whether it is given up as soon as what is under way has ended."""

    @property
    def may_begin(self) -> bool:
        """Whether requests may be sent."""
        return self._is_ours and not self._yields

    async def keep(self) -> None:
        """Look whose turn it is, for ever."""
        while True:
            try:
                await self._look()
                self.trouble = None
            except StoreError as error:
                self.trouble = error
                self._on_change()
            await asyncio.sleep(_LOOK_SECONDS)

    async def give(self) -> None:
        """Let another process have it, once everything that was to be stored is."""
        await self._disk.run(self._role.give)

    async def _look(self) -> None:
        if self._is_ours and await self._disk.run(self._role.is_wanted):
            self._yields = True
            if not self._is_busy():
                self._role.give()
                self._is_ours = self._yields = False
        elif not self._is_ours:
            is_ours = await self._disk.run(self._role.take)
            # Also when it is ours: another process may have made more just before.
            await self._read_along()
            self._is_ours = is_ours
            self._on_change()
        self.is_elsewhere = not self._is_ours
