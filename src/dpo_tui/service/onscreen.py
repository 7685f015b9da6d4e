"""The group on screen, which every command of the person is about."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress

from msgspec import Struct, field
from msgspec.structs import replace

from dpo_tui.domain.labelling import turn_to
from dpo_tui.domain.marking import clear, unite
from dpo_tui.domain.model import Decision, Draft, Group, Response, Verdict
from dpo_tui.domain.pairs import PairPolicy, Unit
from dpo_tui.errors import StoreError
from dpo_tui.service.arrangement import OWN, Arrangement, arrange
from dpo_tui.service.disk import Disk
from dpo_tui.service.endpoint import Health
from dpo_tui.service.generation import Generation
from dpo_tui.service.ports import Clock
from dpo_tui.service.presenting import View, make_sheet
from dpo_tui.service.sheet import Sheet
from dpo_tui.service.stopwatch import Stopwatch
from dpo_tui.service.twins import Twins
from dpo_tui.service.worklist import set_of, with_response


class LabellingOptions(Struct, frozen=True):
    """What the person set."""

    allow_cut_off: bool = False
    """Whether a response that hit the token limit can be a side of a pair."""
    shuffle: bool = True
    """Whether cards are shown in an order by chance, another one for every annotator and group."""
    blind: bool | None = None
    """Whether sources are hidden until there is a decision; None: where there are several."""
    several_sources: bool = False
    """Whether the responses of a group are made in several ways."""
    show_lengths: bool = True
    """Whether lengths are shown before there is a decision."""
    near_duplicates: float = 0.9
    """From which similarity on (0 to 1) responses are called near-duplicates; 0 looks for none."""
    reject_original: bool = False
    """Whether a response is marked rejected once it was edited."""
    revisit_skipped: bool = False
    """Whether skipped groups come back when all others are decided."""
    policy: PairPolicy = field(default_factory=PairPolicy)
    """Which pairs a group gives."""
    unit: Unit = Unit.PAIR
    """What a row of the dataset is made of."""
    labels: tuple[tuple[str, str], ...] = field(default=())
    """What a decision can be labelled with: name and meaning."""


class OnScreen:
    """Shows one group at a time, and keeps what is made of it."""

    def __init__(
        self,
        disk: Disk,
        generation: Generation,
        clock: Clock,
        annotator: str,
        options: LabellingOptions,
    ) -> None:
        self.on_change: Callable[[], None] = lambda: None
        """Called when what is seen may have changed; cheap, and often."""
        self.group: Group | None = None
        """None when every group of the queue is decided."""
        self.options = options
        self.annotator = annotator
        self.disk = disk
        self.generation = generation
        self.stopwatch = Stopwatch(clock)
        self._twins = Twins(options.near_duplicates)
        self._twins.on_change = self.changed
        self._twins.on_crash = self._crash
        self._forgetting: set[asyncio.Task[None]] = set()
        self._taken: set[int] = set()
        """Groups that were on screen already."""
        generation.on_broken_off = self._forget
        generation.on_stored = self._stored
        generation.on_change = self.changed

    # --- what is seen --------------------------------------------------------------------------

    @property
    def sheet(self) -> Sheet | None:
        """The group on screen as it is now."""
        return self._sheet_of(self.group) if self.group else None

    @property
    def next_sheet(self) -> Sheet | None:
        """The group that will most likely be shown next, if all its responses are there."""
        now, window = self.group, self.generation.window
        if now is None or len(window) < 2 or window[0].id != now.id:
            return None
        return self._sheet_of(window[1]) if self.generation.is_complete(window[1]) else None

    def _sheet_of(self, group: Group) -> Sheet:
        arrangement = self.arrangement(group)
        # A group that was skipped is still to be judged.
        is_open = group.decision is None or group.decision.verdict is Verdict.SKIPPED
        view = View(
            self._waiting_note(),
            hides_sources=is_open and self._is_blind(group),
            hides_lengths=is_open and not self.options.show_lengths,
            known_labels=self.options.labels,
        )
        judged = [arrangement.usable[slot] for slot in arrangement.judged]
        live = self.generation.live(group.id, group.draft.set_no)
        return make_sheet(group, arrangement, live, self._twins.similar(judged), view)

    def arrangement(self, group: Group) -> Arrangement:
        """How the cards of a group lie."""
        set_no = group.draft.set_no
        seed = f"{self.annotator} {group.prompt.key} {set_no}" if self.options.shuffle else None
        return arrange(
            group,
            self.generation.live(group.id, set_no),
            self.generation.size(group),
            self.generation.asked(group),
            seed=seed,
            allow_cut_off=self.options.allow_cut_off,
            twins=self._twins,
        )

    def _waiting_note(self) -> str:
        endpoints = self.generation.endpoints
        if self.generation.is_elsewhere:
            return "another process generates for this session; what it brings shows up here"
        if not endpoints:
            return "there is no server to ask"
        if any(each.health is Health.UP for each in endpoints):
            return ""
        return "waits for a server; what keeps it from answering is told below"

    def _is_blind(self, group: Group) -> bool:
        if self.options.blind is not None:
            return self.options.blind
        if self.options.several_sources or len(group.prompt.temperatures) > 1:
            return True
        sources = (each.completion.source for each in group.shown())
        made = {
            (each.origin, each.endpoint, each.model, each.sampling and each.sampling.temperature)
            for each in sources
            if each.origin not in OWN
        }
        return len(made) > 1

    # --- what changes it -----------------------------------------------------------------------

    async def show(self, group_id: int) -> Group:
        """Show a group; the time that is spent on it begins."""
        group = await self.load(group_id)
        self.stopwatch.start()
        return group

    async def load(self, group_id: int) -> Group:
        """Show a group as it is on disk now."""
        group = await self.disk.run(self.disk.store.group, group_id, self.annotator)
        self._take(group)
        return group

    def show_next(self, group: Group | None) -> None:
        """Show the group to go on with, as it was just read; None if nothing is left."""
        self._take(group)
        self.stopwatch.start()

    def _take(self, group: Group | None) -> None:
        self.group = group
        if group and group.id not in self._taken:
            self._taken.add(group.id)
            unfinished = group.draft.marks.keys() - {each.slot for each in group.shown()}
            if unfinished:  # another process ended while they streamed: other texts come now
                self._forget(group, unfinished)
        self.generation.focus(self.group)
        self.changed()

    def keep_judged(self, group: Group, decision: Decision) -> None:
        """Of the marks that a decision gave back, keep those of the responses that it is about."""
        live = self.generation.live(group.id, group.draft.set_no)
        judged = {each.slot for each in group.shown() if each.id in decision.marks} - live.keys()
        if others := group.draft.marks.keys() - judged:
            self._forget(group, others)

    async def save_draft(self, group: Group, draft: Draft) -> Group:
        """Keep what was made of the group on screen."""
        self.stopwatch.touch()
        await self.disk.run(self.disk.store.save_draft, group.id, self.annotator, draft)
        return self._change(group, lambda now: replace(now, draft=draft))

    async def set_flag(self, group: Group, *, flagged: bool) -> Group:
        """Flag the group on screen, or take that back."""
        self.stopwatch.touch()
        store = self.disk.store
        await self.disk.run(store.set_flag, group.id, self.annotator, flagged=flagged)
        return self._change(group, lambda now: replace(now, flagged=flagged))

    def _change(self, group: Group, change: Callable[[Group], Group]) -> Group:
        """Take in what is on disk already."""
        # Responses may have come meanwhile: it is changed as it is now.
        if self.group and self.group.id == group.id:
            self.group = group = change(self.group)
        self.changed()
        return group

    async def turn_to(self, group: Group, set_no: int) -> Group:
        """Show another set of the group on screen."""
        group = await self.save_draft(group, turn_to(group.draft, set_no))
        self.generation.focus(group)
        return group

    def draft(self, group: Group) -> Draft:
        """What was made of the group on screen, with nothing said of copies."""
        return unite(group.draft, self.arrangement(group).copies)

    def changed(self) -> None:
        """Let everybody know that something has changed."""
        self.on_change()

    async def aclose(self) -> None:
        """Stop what runs beside."""
        await self._twins.aclose()
        await asyncio.gather(*self._forgetting)

    def _crash(self, error: BaseException) -> None:
        self.generation.on_crash(error)

    def _forget(self, group: Group, slots: Collection[int]) -> None:
        """What was said of these slots was said of texts that are gone, and not of what comes."""
        self._clear(group, slots)
        task = asyncio.create_task(self._forget_on_disk(group, slots))
        self._forgetting.add(task)
        task.add_done_callback(self._forgetting.discard)

    async def _forget_on_disk(self, group: Group, slots: Collection[int]) -> None:
        store, annotator = self.disk.store, self.annotator

        def forget() -> None:
            now = store.group(group.id, annotator)
            if set_of(now) == set_of(group) and now.draft.marks.keys() & slots:
                store.save_draft(now.id, annotator, clear(now.draft, slots))

        with suppress(StoreError):  # a disk that refuses is told where responses are stored
            await self.disk.run(forget)
        # Again: a mark may have been on its way to the disk when the text went.
        self._clear(group, slots)
        self.changed()

    def _clear(self, group: Group, slots: Collection[int]) -> None:
        if self.group and set_of(self.group) == set_of(group):
            self.group = replace(self.group, draft=clear(self.group.draft, slots))

    def _stored(self, response: Response) -> None:
        if self.group:
            self.group = with_response(self.group, response)
