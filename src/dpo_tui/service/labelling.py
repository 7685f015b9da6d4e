"""Labelling without a terminal: what each key does, on disk before it shows.

Every command commits to the store before it returns; the dataset file follows right behind, on the
same thread, and catches up at the next start if the process dies in between.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from statistics import median

from msgspec.structs import replace

from dpo_tui.domain.labelling import final_marks, final_remarks
from dpo_tui.domain.ledger import Reconciliation
from dpo_tui.domain.model import Decision, Group, Progress, Remarks, Verdict
from dpo_tui.domain.pairs import Example, make_pairs
from dpo_tui.errors import DatasetError, StoreError
from dpo_tui.service.browsing import Browsing
from dpo_tui.service.disk import Disk
from dpo_tui.service.generation import Generation
from dpo_tui.service.marking import Marking
from dpo_tui.service.onscreen import LabellingOptions, OnScreen
from dpo_tui.service.outcomes import ALL_DECIDED, Confirmed, Redone, Refused
from dpo_tui.service.painting import PAINTING_SECONDS
from dpo_tui.service.ports import Clock, Dataset
from dpo_tui.service.sheet import Sheet
from dpo_tui.service.supply import Supply
from dpo_tui.service.writing import Writing

_PACE_WINDOW = 20


class Labelling:
    """One annotator at work on one session.

    Decides and goes from group to group; what is said of a group until then is done by `marking`,
    and its responses come from `supply` and `writing`; `browsing` finds the others.
    """

    def __init__(
        self,
        disk: Disk,
        dataset: Dataset,
        generation: Generation,
        clock: Clock,
        annotator: str,
        options: LabellingOptions,
    ) -> None:
        self.generation = generation
        self.progress = Progress(0, 0, 0, 0)
        self.dataset_trouble: DatasetError | StoreError | None = None
        """Why the dataset file is behind the session at the moment."""
        self._screen = OnScreen(disk, generation, clock, annotator, options)
        self.marking = Marking(self._screen)
        self.supply = Supply(self._screen)
        self.writing = Writing(self._screen)
        self.browsing = Browsing(self._screen)
        self._disk = disk
        self._dataset = dataset
        self._clock = clock
        self._annotator = annotator
        self._pace: deque[float] = deque(maxlen=_PACE_WINDOW)
        self._is_behind = False
        """Whether something was decided that the dataset file may lack."""
        self._following: asyncio.Task[None] | None = None

    # --- what the screen asks ------------------------------------------------------------------

    @property
    def on_change(self) -> Callable[[], None]:
        """Called when the sheet, the endpoint or a trouble may have changed; cheap, and often."""
        return self._screen.on_change

    @on_change.setter
    def on_change(self, call: Callable[[], None]) -> None:
        self._screen.on_change = call

    @property
    def group(self) -> Group | None:
        """The group on screen; None when every group of the queue is decided."""
        return self._screen.group

    @property
    def sheet(self) -> Sheet | None:
        """The group on screen as it is now."""
        return self._screen.sheet

    @property
    def next_sheet(self) -> Sheet | None:
        """The group that will most likely be shown next, if all its responses are there."""
        return self._screen.next_sheet

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

    def touch(self) -> None:
        """A key was pressed: the person is there."""
        self._screen.stopwatch.touch()

    async def open(self) -> int:
        """Make the dataset agree with the session, then show the group to go on with.

        Returns of how many decisions the pairs had to be written again, since others had changed
        the file.
        """
        done = await self._catch_up()
        await self._show_next(-1, -1)
        return done.restored

    async def confirm(self) -> Confirmed | Refused:
        """Decide the group: its pairs go to the dataset, the next undecided group is shown."""
        group = self.group
        if group is None:
            return ALL_DECIDED
        arrangement = self._screen.arrangement(group)
        shown = arrangement.ended
        if not shown:
            return Refused("no response has ended yet: wait, or skip the group")
        draft = self._screen.draft(group)
        marks = final_marks(
            shown,
            draft,
            allow_cut_off=self._screen.options.allow_cut_off,
            copies=arrangement.copies,
        )
        remarks = final_remarks(shown, draft, marks)
        options = self._screen.options
        pairing = make_pairs(group.prompt, shown, marks, remarks, options.policy)
        examples = pairing.examples(options.unit)
        decision = replace(
            self._decision(group, Verdict.CONFIRMED),
            marks=marks,
            order=tuple(each.id for each in shown),
            pair_count=len(examples),
            remarks=remarks,
        )
        decision = await self._disk.run(self._commit, decision, examples)
        unfinished = len(arrangement.order) - len(shown)
        await self._after_decision(decision, group)
        return Confirmed(group.position, len(examples), pairing.dropped, unfinished)

    async def skip(self) -> Group | Refused:
        """Leave the group out and show the next undecided one; returns the one that was skipped."""
        group = self.group
        if group is None:
            return ALL_DECIDED
        said = group.draft.remarks
        remarks = Remarks(note=said.note, labels=said.labels)
        decision = replace(self._decision(group, Verdict.SKIPPED), remarks=remarks)
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
        group = await self._screen.show(decision.group_id)
        if decision.verdict is Verdict.CONFIRMED or group.decision:
            self._screen.keep_judged(group, group.decision or decision)
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
        return await self._screen.show(group_id)

    async def open_neighbour(self, step: int) -> Group | Refused:
        """Show the next (1) or the previous (-1) group of the queue, decided or not."""
        here = self.group.position if self.group else self.progress.total
        group_id = await self._disk.run(self._disk.store.group_at, here + step)
        if group_id is None:
            return Refused("this is the last group" if step > 0 else "this is the first group")
        return await self.open_group(group_id)

    async def settle(self) -> None:
        """Wait until the dataset file has what was decided, or is known to be in trouble."""
        if self._following:
            await self._following

    async def aclose(self) -> None:
        """Hang up on the server, bring the dataset up to date, give the session free."""
        await self.generation.aclose()
        await self._screen.aclose()
        await self.settle()
        if self.dataset_trouble:
            await self._catch_up()
        await self._disk.aclose()

    # --- inside --------------------------------------------------------------------------------

    def _decision(self, group: Group, verdict: Verdict) -> Decision:
        self.touch()
        return Decision(
            group_id=group.id,
            annotator=self._annotator,
            verdict=verdict,
            set_no=group.draft.set_no,
            marks={},
            order=(),
            pair_count=0,
            decided_at=self._clock.now(),
            seconds=self._screen.stopwatch.seconds,
        )

    def _commit(self, decision: Decision, examples: Sequence[Example]) -> Decision:
        """Put a decision on disk, with the place that its rows will have in the dataset."""
        region = self._dataset.plan(examples) if examples else None
        return self._disk.store.decide(decision, region)

    async def _after_decision(self, decision: Decision, group: Group) -> None:
        self._pace.append(decision.seconds)
        self.generation.person_seconds = self.seconds_per_group
        await self._go_on(group)

    async def _go_on(self, decided: Group) -> None:
        """Show the next undecided group behind the one that was decided."""
        # One that was decided before is one of the skipped groups that come back: then the next.
        skipped_after = -1 if decided.decision is None else decided.position
        await self._show_next(decided.position, skipped_after)
        self._is_behind = True
        if self._following is None:
            self._following = asyncio.create_task(self._follow())

    async def _show_next(self, after: int, skipped_after: int) -> None:
        self.progress, group = await self._disk.run(self._next, after, skipped_after)
        self._screen.show_next(group)

    def _next(self, after: int, skipped_after: int) -> tuple[Progress, Group | None]:
        store, me = self._disk.store, self._annotator
        group_id = store.next_undecided(me, after)
        if group_id is None and self._screen.options.revisit_skipped:
            group_id = store.next_skipped(me, skipped_after)
        return store.progress(me), None if group_id is None else store.group(group_id, me)

    async def _follow(self) -> None:
        """Make the dataset file agree when the next group is painted."""
        try:
            await asyncio.sleep(PAINTING_SECONDS)
            while self._is_behind:
                self._is_behind = False
                await self._catch_up()
        except Exception as error:  # noqa: BLE001 - one that nobody foresaw, of a thread
            self.generation.on_crash(error)
        finally:
            self._following = None

    async def _catch_up(self) -> Reconciliation:
        """Make the dataset file agree with the session; the session holds the truth if it can't."""
        done = Reconciliation()
        try:
            done = await self._disk.run(self._reconcile)
            self.dataset_trouble = None
        except (DatasetError, StoreError) as error:
            self.dataset_trouble = error
        self._screen.changed()
        return done

    def _reconcile(self) -> Reconciliation:
        return self._dataset.reconcile(self._disk.store)
