"""Getting other responses, or more of them, from the server; and back to those from before."""

from __future__ import annotations

from msgspec.structs import replace

from dpo_tui.domain.labelling import is_broken
from dpo_tui.domain.marking import clear
from dpo_tui.domain.model import MAX_RESPONSES, Response
from dpo_tui.service.arrangement import OWN
from dpo_tui.service.live import Phase
from dpo_tui.service.onscreen import OnScreen
from dpo_tui.service.outcomes import ALL_DECIDED, Refused

_NO_SERVER = Refused("there is no server to ask")
FULL = Refused(f"a group has at most {MAX_RESPONSES} responses")


class Supply:
    """The commands that ask for responses; none is ever lost by it."""

    def __init__(self, screen: OnScreen) -> None:
        self._screen = screen
        self._generation = screen.generation

    async def regenerate(self) -> Refused | int:
        """Try broken responses again; when there are none, ask for a whole new set.

        Returns how many responses are asked for.
        """
        group = self._screen.group
        if group is None:
            return ALL_DECIDED
        if not self._generation.endpoints:
            return _NO_SERVER
        live = self._generation.live(group.id, group.draft.set_no)
        if not group.shown() and all(each.phase is Phase.WAITING for each in live.values()):
            return Refused("nothing was generated yet")
        broken = [each for each in group.shown() if is_broken(each.completion)]
        if not broken:
            streaming = [slot for slot, each in live.items() if each.first_token is not None]
            before = replace(group, draft=clear(group.draft, streaming))
            group = await self._screen.turn_to(before, max(group.sets()) + 1)
            self._generation.drop(before)
            return self._generation.size(group)
        slots = [each.slot for each in broken]
        # A decision that was taken back leaves them excluded.
        if group.draft.marks.keys() & slots:
            await self._screen.save_draft(group, clear(group.draft, slots))
        for response in broken:
            self._generation.retry(response)
        return len(broken)

    async def regenerate_one(self, slot: int) -> Refused | Response:
        """Ask for another response in the place of one; the old one stays in the session."""
        group = self._screen.group
        if group is None:
            return ALL_DECIDED
        if not self._generation.endpoints:
            return _NO_SERVER
        arrangement = self._screen.arrangement(group)
        response = arrangement.response(slot)
        if response is None:
            return Refused("this response is still on its way")
        if response.completion.source.origin in OWN:
            return Refused(f"response {arrangement.number(slot)} was written by hand: edit it")
        await self._screen.save_draft(group, clear(group.draft, [slot]))
        self._generation.retry(response)
        return response

    async def add_response(self) -> Refused | int:
        """Ask for one more response; returns how many there will be."""
        group = self._screen.group
        if group is None:
            return ALL_DECIDED
        if not self._generation.endpoints:
            return _NO_SERVER
        if self._generation.size(group) >= MAX_RESPONSES:
            return FULL
        self._generation.extend(group)
        return self._generation.size(group)

    async def other_set(self) -> Refused | int:
        """Show the set before this one, or from the first one the newest; returns its number."""
        group = self._screen.group
        if group is None:
            return ALL_DECIDED
        sets = group.sets()
        if len(sets) == 1:
            return Refused("there is only this set: regenerate to get another one")
        before = sets[sets.index(group.draft.set_no) - 1]
        await self._screen.turn_to(group, before)
        return before
