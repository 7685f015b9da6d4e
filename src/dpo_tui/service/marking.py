"""What the person says of the responses on screen: on disk before it shows."""

from __future__ import annotations

from collections.abc import Sequence

from dpo_tui.domain import marking
from dpo_tui.domain.model import Draft, Group, Mark
from dpo_tui.service.onscreen import OnScreen
from dpo_tui.service.outcomes import ALL_DECIDED, Refused

_NOTHING_TO_JUDGE = Refused("no response has come yet that could be judged")


class Marking:
    """The commands that change marks and remarks; a draft is what they lead to."""

    def __init__(self, screen: OnScreen) -> None:
        self._screen = screen

    async def toggle(self, slot: int, mark: Mark) -> Refused | Draft:
        """Give a response a mark, or take it away."""
        group = self._screen.group
        if group is None:
            return ALL_DECIDED
        if refused := self._refusal(group, slot):
            return refused
        draft = self._screen.draft(group)
        return await self._save(group, marking.toggle(draft, self._standing_for(group, slot), mark))

    async def choose_all(self) -> Refused | Draft:
        """Choose every response that has come; if they are chosen already, none."""
        return await self._mark_all(Mark.CHOSEN)

    async def choose_none(self) -> Refused | Draft:
        """Say of every response that has come that it is rejected, or take that back."""
        return await self._mark_all(Mark.REJECTED)

    async def toggle_tie(self) -> Refused | Draft:
        """Say that the chosen ones are equally good (all, if none is chosen), or take that back."""
        group = self._screen.group
        if group is None:
            return ALL_DECIDED
        judged = self._judged(group)
        draft = marking.toggle_tie(self._screen.draft(group), judged)
        if draft is None:
            return Refused("a tie takes two responses: choose another one")
        return await self._save(group, draft)

    async def toggle_best(self, slot: int) -> Refused | Draft:
        """Say that a response is the best of the chosen ones, or take that back."""
        group = self._screen.group
        if group is None:
            return ALL_DECIDED
        if refused := self._refusal(group, slot):
            return refused
        slot = self._standing_for(group, slot)
        return await self._save(group, marking.toggle_best(self._screen.draft(group), slot))

    async def next_strength(self) -> Refused | Draft:
        """Say how much better the chosen ones are: not said, 1, 2, 3, and not said again."""
        group = self._screen.group
        if group is None:
            return ALL_DECIDED
        return await self._save(group, marking.next_strength(self._screen.draft(group)))

    async def annotate_note(self, note: str, labels: Sequence[str]) -> Refused | Draft:
        """Keep a note and labels in place of those that there were."""
        group = self._screen.group
        if group is None:
            return ALL_DECIDED
        draft = self._screen.draft(group)
        return await self._save(group, marking.annotate(draft, note.strip(), labels))

    async def toggle_flag(self) -> Refused | Group:
        """Flag the group to come back to it, or take that back; it is no part of a decision."""
        group = self._screen.group
        if group is None:
            return ALL_DECIDED
        return await self._screen.set_flag(group, flagged=not group.flagged)

    async def _mark_all(self, mark: Mark) -> Refused | Draft:
        group = self._screen.group
        if group is None:
            return ALL_DECIDED
        judged = self._judged(group)
        if not judged:
            return _NOTHING_TO_JUDGE
        return await self._save(group, marking.mark_all(self._screen.draft(group), judged, mark))

    def _judged(self, group: Group) -> Sequence[int]:
        return self._screen.arrangement(group).judged

    def _standing_for(self, group: Group, slot: int) -> int:
        """The slot whose mark counts for a slot: of a copy, the one that it repeats."""
        return self._screen.arrangement(group).copies.get(slot, slot)

    def _refusal(self, group: Group, slot: int) -> Refused | None:
        """Why a slot's response can't be marked."""
        arrangement = self._screen.arrangement(group)
        if slot not in arrangement.order:
            return Refused(f"there is no response {slot + 1}")
        response = arrangement.response(slot)
        if response is None:
            live = self._screen.generation.live(group.id, group.draft.set_no).get(slot)
            # A mark on nothing would become one on whatever comes, which nobody has read.
            return None if live and live.text.strip() else _NOTHING_TO_JUDGE
        if slot in arrangement.usable:
            return None
        number, state = arrangement.number(slot), response.completion.state
        return Refused(f"response {number} is {state}: it can't be part of a pair")

    async def _save(self, group: Group, draft: Draft) -> Draft:
        return (await self._screen.save_draft(group, draft)).draft
