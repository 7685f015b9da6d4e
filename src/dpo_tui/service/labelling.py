"""Labelling without a terminal: what each key does, on disk before it shows.

Every command commits to the store before it returns; the dataset file follows right behind, on the
same thread, and catches up at the next start if the process dies in between.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from dpo_tui.domain.labelling import (
    clear,
    final_marks,
    final_remarks,
    is_broken,
    is_usable,
    toggle,
    turn_to,
)
from dpo_tui.domain.model import (
    MAX_RESPONSES,
    Decision,
    Draft,
    Group,
    Mark,
    Pair,
    Progress,
    Response,
    Verdict,
)
from dpo_tui.domain.pairs import Dropped, make_pairs
from dpo_tui.errors import DatasetError, StoreError
from dpo_tui.service.disk import Disk
from dpo_tui.service.endpoint import Health
from dpo_tui.service.generation import Generation
from dpo_tui.service.live import Phase
from dpo_tui.service.ports import Clock, Dataset
from dpo_tui.service.sheet import Sheet, make_sheet
from dpo_tui.service.worklist import with_response

_PACE_WINDOW = 20
_PAUSE_SECONDS = 300.0
"""Longer than this on one group is a break, not the pace of the person."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What a confirm did."""

    position: int
    pairs: int
    dropped: tuple[Dropped, ...]
    unfinished: int
    """Responses that had not ended, and so are part of no pair."""


@dataclass(frozen=True, slots=True)
class Redone:
    """What a redo brought back."""

    position: int
    verdict: Verdict
    pairs: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a command did nothing, for the status line."""

    reason: str


class Labelling:
    """One annotator at work on one session."""

    def __init__(
        self,
        disk: Disk,
        dataset: Dataset,
        generation: Generation,
        clock: Clock,
        annotator: str,
        *,
        allow_cut_off: bool,
    ) -> None:
        self.generation = generation
        self.group: Group | None = None
        """The group on screen; None when every group of the queue is decided."""
        self.progress = Progress(0, 0, 0, 0)
        self.dataset_trouble: DatasetError | StoreError | None = None
        """Why the dataset file is behind the session at the moment."""
        self.on_change: Callable[[], None] = lambda: None
        """Called when the sheet, the endpoint or a trouble may have changed; cheap, and often."""
        self._disk = disk
        self._dataset = dataset
        self._clock = clock
        self._annotator = annotator
        self._allow_cut_off = allow_cut_off
        self._shown_since = clock.monotonic()
        self._pace: deque[float] = deque(maxlen=_PACE_WINDOW)
        generation.on_stored = self._stored
        generation.on_change = self._changed

    # --- what the screen asks ------------------------------------------------------------------

    @property
    def sheet(self) -> Sheet | None:
        """The group on screen as it is now."""
        if self.group is None:
            return None
        endpoints = self.generation.endpoints
        if self.generation.is_elsewhere:
            note = "another process generates for this session; what it brings shows up here"
        elif not endpoints:
            note = "there is no server to ask"
        elif any(each.health is Health.UP for each in endpoints):
            note = ""
        else:
            note = endpoints[0].message
        return make_sheet(
            self.group,
            self.generation.live(self.group.id, self.group.draft.set_no),
            self.generation.size(self.group),
            allow_cut_off=self._allow_cut_off,
            waiting_note=note,
        )

    @property
    def seconds_per_group(self) -> float | None:
        """The pace of the last groups (median); None before there is one."""
        return median(self._pace) if self._pace else None

    @property
    def eta_seconds(self) -> float | None:
        """How long the rest takes at this pace."""
        pace = self.seconds_per_group
        return None if pace is None else pace * self.progress.left

    # --- commands ------------------------------------------------------------------------------

    async def open(self) -> None:
        """Make the dataset agree with the session, then show the group to go on with."""
        await self._catch_up()
        self.progress = await self._disk.run(self._disk.store.progress, self._annotator)
        await self._show_next(after=-1)

    async def toggle(self, slot: int, mark: Mark) -> Refused | Draft:
        """Give a response a mark, or take it away."""
        group = self.group
        if group is None:
            return Refused("everything is decided")
        if not 0 <= slot < self.generation.size(group):
            return Refused(f"there is no response {slot + 1}")
        response = next((each for each in group.shown() if each.slot == slot), None)
        if response and not is_usable(response.completion, allow_cut_off=self._allow_cut_off):
            state = response.completion.state
            return Refused(f"response {slot + 1} is {state}: it can't be part of a pair")
        return (await self._save_draft(group, toggle(group.draft, slot, mark))).draft

    async def confirm(self) -> Confirmed | Refused:
        """Decide the group: its pairs go to the dataset, the next undecided group is shown."""
        group = self.group
        if group is None:
            return Refused("everything is decided")
        shown = [each for each in group.shown() if self._has_ended(each)]
        if not shown:
            return Refused("no response has come yet: wait, or s to skip")
        marks = final_marks(shown, group.draft, allow_cut_off=self._allow_cut_off)
        pairing = make_pairs(group.prompt, shown, marks)
        decision = self._decision(group, Verdict.CONFIRMED)
        decision = replace(
            decision,
            marks=marks,
            order=tuple(each.id for each in shown),
            pair_count=len(pairing.pairs),
            remarks=final_remarks(shown, group.draft),
        )
        decision = await self._disk.run(self._commit, decision, pairing.pairs)
        unfinished = self.generation.size(group) - len(shown)
        await self._after_decision(decision, group)
        return Confirmed(group.position, len(pairing.pairs), pairing.dropped, unfinished)

    async def skip(self) -> Group | Refused:
        """Leave the group out and show the next undecided one; returns the one that was skipped."""
        group = self.group
        if group is None:
            return Refused("everything is decided")
        decision = self._decision(group, Verdict.SKIPPED)
        decision = await self._disk.run(self._commit, decision, ())
        await self._after_decision(decision, group)
        return group

    async def undo(self) -> Group | Refused:
        """Take the last decision back; shows and returns its group with the marks it had."""
        undone = await self._disk.run(self._disk.store.undo, self._annotator)
        if undone is None:
            return Refused("there is nothing to undo")
        decision, _ = undone
        self.progress = await self._disk.run(self._disk.store.progress, self._annotator)
        if self._pace:
            self._pace.pop()
        group = await self._show(decision.group_id)
        await self._catch_up()
        return group

    async def redo(self) -> Redone | Refused:
        """Let the decision that was taken back last count again; goes on as it did then."""
        decision = await self._disk.run(self._disk.store.redo, self._annotator)
        if decision is None:
            return Refused("there is nothing to redo")
        group = await self._disk.run(self._disk.store.group, decision.group_id, self._annotator)
        await self._go_on(group)
        return Redone(group.position, decision.verdict, decision.pair_count)

    async def open_group(self, group_id: int) -> Group:
        """Show any group, a decided one with its marks: deciding it again replaces the decision."""
        return await self._show(group_id)

    async def open_neighbour(self, step: int) -> Group | Refused:
        """Show the next (1) or the previous (-1) group of the queue, decided or not."""
        here = self.group.position if self.group else self.progress.total
        group_id = await self._disk.run(self._disk.store.group_at, here + step)
        if group_id is None:
            return Refused("this is the last group" if step > 0 else "this is the first group")
        return await self.open_group(group_id)

    async def regenerate(self) -> Refused | int:
        """Try broken responses again; when there are none, ask for a whole new set.

        Returns how many responses are asked for.
        """
        group = self.group
        if group is None:
            return Refused("everything is decided")
        if not self.generation.endpoints:
            return Refused("there is no server to ask")
        live = self.generation.live(group.id, group.draft.set_no)
        if not group.shown() and all(each.phase is Phase.WAITING for each in live.values()):
            return Refused("nothing was generated yet")
        broken = [each for each in group.shown() if is_broken(each.completion)]
        for response in broken:
            self.generation.retry(response)
        if not broken:
            before, group = group, await self._turn_to(group, max(group.sets()) + 1)
            self.generation.drop(before)
        return len(broken) or self.generation.size(group)

    async def regenerate_one(self, slot: int) -> Refused | Response:
        """Ask for another response in the place of one; the old one stays in the session."""
        group = self.group
        if group is None:
            return Refused("everything is decided")
        if not self.generation.endpoints:
            return Refused("there is no server to ask")
        response = next((each for each in group.shown() if each.slot == slot), None)
        if response is None or not self._has_ended(response):
            return Refused(f"response {slot + 1} is still on its way")
        await self._save_draft(group, clear(group.draft, slot))
        self.generation.retry(response)
        return response

    async def add_response(self) -> Refused | int:
        """Ask for one more response; returns how many there will be."""
        group = self.group
        if group is None:
            return Refused("everything is decided")
        if not self.generation.endpoints:
            return Refused("there is no server to ask")
        if self.generation.size(group) >= MAX_RESPONSES:
            return Refused(f"a group has at most {MAX_RESPONSES} responses")
        self.generation.extend(group)
        return self.generation.size(group)

    async def other_set(self) -> Refused | int:
        """Show the set before this one, or from the first one the newest; returns its number."""
        group = self.group
        if group is None:
            return Refused("everything is decided")
        sets = group.sets()
        if len(sets) == 1:
            return Refused("there is only this set: r asks for a new one")
        before = sets[sets.index(group.draft.set_no) - 1]
        await self._turn_to(group, before)
        return before

    async def aclose(self) -> None:
        """Hang up on the server, bring the dataset up to date, give the session free."""
        await self.generation.aclose()
        if self.dataset_trouble:
            await self._catch_up()
        await self._disk.aclose()

    # --- inside --------------------------------------------------------------------------------

    def _changed(self) -> None:
        self.on_change()

    def _stored(self, response: Response) -> None:
        if self.group:
            self.group = with_response(self.group, response)

    async def _turn_to(self, group: Group, set_no: int) -> Group:
        group = await self._save_draft(group, turn_to(group.draft, set_no))
        self.generation.focus(group)
        return group

    def _has_ended(self, response: Response) -> bool:
        """Whether a stored response is the one on screen, and not about to be replaced."""
        return response.slot not in self.generation.live(response.group_id, response.set_no)

    def _decision(self, group: Group, verdict: Verdict) -> Decision:
        return Decision(
            group_id=group.id,
            annotator=self._annotator,
            verdict=verdict,
            set_no=group.draft.set_no,
            marks={},
            order=(),
            pair_count=0,
            decided_at=self._clock.now(),
            seconds=self._clock.monotonic() - self._shown_since,
        )

    def _commit(self, decision: Decision, pairs: Sequence[Pair]) -> Decision:
        """Put a decision on disk, with the place that its pairs will have in the dataset."""
        region = self._dataset.plan(pairs) if pairs else None
        return self._disk.store.decide(decision, region)

    async def _save_draft(self, group: Group, draft: Draft) -> Group:
        await self._disk.run(self._disk.store.save_draft, group.id, self._annotator, draft)
        # Responses may have come meanwhile: the draft goes onto the group as it is now.
        if self.group and self.group.id == group.id:
            self.group = group = replace(self.group, draft=draft)
        self.on_change()
        return group

    async def _after_decision(self, decision: Decision, group: Group) -> None:
        if decision.seconds < _PAUSE_SECONDS:
            self._pace.append(decision.seconds)
            self.generation.person_seconds = self.seconds_per_group
        await self._go_on(group)

    async def _go_on(self, decided: Group) -> None:
        """Show the next undecided group behind the one that was decided."""
        self.progress = await self._disk.run(self._disk.store.progress, self._annotator)
        await self._show_next(after=decided.position)
        await self._catch_up()

    async def _show_next(self, after: int) -> None:
        group_id = await self._disk.run(self._disk.store.next_undecided, self._annotator, after)
        if group_id is None:
            self.group = None
            self.generation.focus(None)
            self.on_change()
        else:
            await self._show(group_id)

    async def _show(self, group_id: int) -> Group:
        group = await self._disk.run(self._disk.store.group, group_id, self._annotator)
        self.group = group
        self.generation.focus(group)
        self._shown_since = self._clock.monotonic()
        self.on_change()
        return group

    async def _catch_up(self) -> None:
        """Make the dataset file agree with the session; the session holds the truth if it can't."""
        try:
            await self._disk.run(self._reconcile)
            self.dataset_trouble = None
        except (DatasetError, StoreError) as error:
            self.dataset_trouble = error
        self.on_change()

    def _reconcile(self) -> None:
        self._dataset.reconcile(self._disk.store)
