"""Finding other groups and going there: by number or id, from a list, by what they say.

What takes long is done in short bites, so that a key never waits for it; whoever stops asking ends
it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from dpo_tui.domain.listing import Filter, Found, GroupRow
from dpo_tui.domain.model import Group
from dpo_tui.domain.searching import Query
from dpo_tui.service.onscreen import OnScreen
from dpo_tui.service.outcomes import Refused

_LONGEST_NUMBER = 12
"""Digits of what could be the number of a group."""


class Browsing:
    """Lists, searches, and goes to groups of the queue."""

    def __init__(self, screen: OnScreen) -> None:
        self._screen = screen
        self._disk = screen.disk
        self._store = screen.disk.store

    @property
    def position(self) -> int:
        """The place of the group on screen; 0 if there is none."""
        return self._screen.group.position if self._screen.group else 0

    async def go_to(self, text: str) -> Group | Refused:
        """Show the group with this number, else the one whose prompt has this `id`."""
        text = text.strip()
        if not text:
            return Refused("a number or an id says where to go")
        group_id = await self._by_number(text)
        if group_id is None:
            group_id = await self._by_name(text)
        if group_id is None:
            return Refused(f"there is no group with the number or id {text}")
        return await self._screen.show(group_id)

    async def groups(
        self,
        filter_: Filter = Filter.ALL,
        tag: str | None = None,
        place: int = -1,
        limit: int = 50,
        *,
        backwards: bool = False,
    ) -> Sequence[GroupRow]:
        """The next groups behind a position that a filter lets through, in their order.

        Backwards, they are those before it, the nearest first. Fewer than `limit` are all there
        are.
        """
        rows: list[GroupRow] = []
        on: int | None = place
        while on is not None and len(rows) < limit:
            found, on = await self._disk.run(
                self._store.list_groups,
                self._screen.annotator,
                filter_,
                tag,
                on,
                limit - len(rows),
                backwards=backwards,
            )
            rows += found
        return rows

    async def tags(self) -> AsyncGenerator[str, None]:
        """Every tag once: those of the group on screen, then all others in order."""
        sheet = self._screen.sheet
        own = sheet.tags if sheet else ()
        for tag in own:
            yield tag
        told = set(own)
        place: int | None = -1
        while place is not None:
            found, place = await self._disk.run(self._store.tags, place)
            for tag in found:
                if tag not in told:
                    told.add(tag)
                    yield tag

    async def search(self, text: str) -> AsyncGenerator[Found, None]:
        """The texts with these words: those of the group on screen, then of all others in order."""
        if not text.strip():
            return
        query = Query(text)
        here = self._screen.group
        if here:
            for found in await self._disk.run(self._store.search_group, query, here.id):
                yield found
        place: int | None = -1
        while place is not None:
            bite, place = await self._disk.run(self._store.search, query, place)
            for found in bite:
                if here is None or found.group_id != here.id:
                    yield found

    async def _by_number(self, text: str) -> int | None:
        if not text.isdecimal() or len(text) > _LONGEST_NUMBER:
            return None
        return await self._disk.run(self._store.group_at, int(text) - 1)

    async def _by_name(self, name: str) -> int | None:
        place: int | None = -1
        while place is not None:
            found, place = await self._disk.run(self._store.find_name, name, place)
            if found:
                return found[0]
        return None
