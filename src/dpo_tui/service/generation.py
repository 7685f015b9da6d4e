"""The engine: keeps the endpoints busy with what is wanted next, and stores what comes.

First what the group on screen lacks, then the groups ahead in order, up to a depth; as many
requests at once as the endpoints have room for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from math import ceil
from statistics import median
from typing import Any, ParamSpec, TypeVar

from msgspec import Struct

from dpo_tui.domain.model import Completion, Group, Response
from dpo_tui.domain.sources import SamplingPlan, SourceSettings
from dpo_tui.errors import StoreError
from dpo_tui.service.disk import Disk
from dpo_tui.service.dispatch import Assignment, Dispatcher
from dpo_tui.service.endpoint import Endpoint, EndpointStatus
from dpo_tui.service.live import Live
from dpo_tui.service.painting import PAINTING_SECONDS
from dpo_tui.service.ports import ChatClient, Clock, Role
from dpo_tui.service.request import Request
from dpo_tui.service.role_keeper import RoleKeeper
from dpo_tui.service.worklist import Place, Worklist, set_of

P = ParamSpec("P")
T = TypeVar("T")

_STORE_RETRY_SECONDS = 1.0
_ASSUMED_PACE = 5.0
"""Seconds a group, for a person that isn't known yet."""
_DEEPEST = 32
"""Groups ahead at the most: what is generated and never labelled is wasted."""
_DURATIONS = 64


class Route(Struct, frozen=True):
    """A way to a model."""

    client: ChatClient
    concurrency: int
    """Completions in flight from which on no further request is sent."""


class GenerationOptions(Struct, frozen=True):
    """What the person set."""

    n: int
    """Responses per prompt, where the prompt doesn't say."""
    plan: SamplingPlan
    ahead: int | None
    """Groups behind the one on screen that are generated before they are asked for; None adapts
    to the pace of person and server."""
    sources: Sequence[SourceSettings] = ()
    """What makes which part of a group; none: any endpoint makes anything."""


class Generation:
    """Generates ahead of the person; `focus` says where the person is."""

    def __init__(
        self,
        disk: Disk,
        routes: Sequence[Route],
        options: GenerationOptions,
        clock: Clock,
        annotator: str,
        role: Role,
    ) -> None:
        self.on_change: Callable[[], None] = lambda: None
        """Called when something that `live` or `status` tells has changed; cheap, and often."""
        self.on_broken_off: Callable[[Group, Collection[int]], None] = lambda _, __: None
        """Called when slots of a group's set on screen begin anew whose text is gone."""
        self.on_stored: Callable[[Response], None] = lambda _: None
        """Called with every response once it is on disk."""
        self.on_crash: Callable[[BaseException], None] = lambda _: None
        """Called when a task died of something that nobody foresaw."""
        self.person_seconds: float | None = None
        """How long the person takes for a group; None while it isn't known."""
        self._durations: deque[float] = deque(maxlen=_DURATIONS)
        """Seconds from request to end of the last responses."""
        self._disk = disk
        self._options = options
        self._clock = clock
        self._annotator = annotator
        self._endpoints = [
            Endpoint(route.client, route.concurrency, self._wake_up, self._spawn)
            for route in routes
        ]
        self._worklist = Worklist(options.n)
        self._dispatcher = Dispatcher(
            self._worklist, self._endpoints, options.plan, options.sources
        )
        self._role = RoleKeeper(role, disk, self._is_busy, self._read_along, self._wake_up)
        self._is_watched = False
        """Whether a person waits for the first group of the window."""
        self._requests: dict[Request, asyncio.Task[None]] = {}
        self._storing: set[Place] = set()
        """What has ended, and isn't on disk yet."""
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._refill_task: asyncio.Task[None] | None = None
        self._trouble: StoreError | None = None

    # --- what the screen asks ------------------------------------------------------------------

    @property
    def endpoints(self) -> Sequence[EndpointStatus]:
        """How the endpoints are; none when the session needs no server."""
        return [endpoint.status for endpoint in self._endpoints]

    @property
    def trouble(self) -> StoreError | None:
        """Why responses can't be stored, or not even be asked for, at the moment."""
        return self._trouble or self._role.trouble

    @property
    def is_elsewhere(self) -> bool:
        """Whether another process generates for this session; what it brings is read along."""
        return self._role.is_elsewhere

    def live(self, group_id: int, set_no: int) -> Mapping[int, Live]:
        """By slot, the responses of a set that haven't ended."""
        return self._worklist.live(group_id, set_no)

    def size(self, group: Group) -> int:
        """How many responses the set on screen has or will have."""
        return self._worklist.size(group)

    def asked(self, group: Group) -> int:
        """How many responses the set on screen was meant to have before one was added."""
        return self._worklist.asked(group)

    def is_complete(self, group: Group) -> bool:
        """Whether every response of the set on screen has ended."""
        return self._worklist.is_complete(group)

    @property
    def ready_ahead(self) -> int:
        """How many groups behind the one on screen are complete."""
        return self._worklist.ready_ahead

    @property
    def window(self) -> Sequence[Group]:
        """The groups that are wanted, the most urgent one first, as far as they have come."""
        return self._worklist.groups

    @property
    def breadth(self) -> int:
        """How many groups the window needs so that there is always something to send."""
        concurrency = sum(endpoint.concurrency for endpoint in self._endpoints)
        return max(4, 2 * ceil(concurrency / self._options.n))

    @property
    def _depth(self) -> int:
        """How many groups to generate ahead of the one on screen.

        As many as the person gets through while one is being generated, and enough to keep the
        server busy: nothing of it is lost, it is only made earlier.
        """
        if self._options.ahead is not None:
            return self._options.ahead
        person = max(self.person_seconds or _ASSUMED_PACE, 0.5)
        server = median(self._durations) if self._durations else 0.0
        return min(_DEEPEST, max(self.breadth, 1 + ceil(server / person)))

    # --- what the service commands -------------------------------------------------------------

    def start(self) -> None:
        """Begin to generate; the event loop has to run."""
        self._spawn(self._role.keep())
        self._spawn(self._run())

    def cover(self, groups: Sequence[Group]) -> None:
        """These groups are wanted, the first one most urgently."""
        self._worklist.cover(groups)
        self._wake.set()

    def focus(self, group: Group | None) -> None:
        """The person looks at this group now: it comes first, then those behind it."""
        self._is_watched = group is not None
        if group is None:
            self.cover([])
        else:
            ahead = [each for each in self.window if each.position > group.position]
            self.cover([group, *ahead])
            if self._refill_task:
                self._refill_task.cancel()
            self._refill_task = self._spawn(self._refill(group))

    def drop(self, group: Group) -> None:
        """What is on its way for the set on screen isn't wanted any more: hang up."""
        for request, task in self._requests.items():
            if request.set == set_of(group):
                task.cancel()

    def retry(self, response: Response) -> None:
        """Make another attempt at a response."""
        self._worklist.retry(response)
        self._wake_up()

    def extend(self, group: Group) -> None:
        """One more response is wanted in the set on screen."""
        self._worklist.extend(group)
        self._wake_up()

    async def aclose(self) -> None:
        """Hang up on every request; what has ended is on disk then."""
        await _cancel(self._requests.values())
        await asyncio.sleep(0)  # after it, what has just ended is on its way to the disk
        await _cancel(self._tasks)
        await self._role.give()
        for endpoint in self._endpoints:
            await endpoint.client.aclose()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._reap)
        return task

    def _reap(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.on_crash(error)

    def _wake_up(self) -> None:
        self._wake.set()
        self.on_change()

    # --- requests ------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._send_what_fits()

    def _send_what_fits(self) -> None:
        under_way = {request.set for request in self._requests}
        self._worklist.forget_unwanted(under_way.union(place[:2] for place in self._storing))
        if not self._role.may_begin or self._trouble:
            return
        for group in self.window:
            is_urgent = self._is_watched and group is self.window[0]
            while assignment := self._dispatcher.next_for(
                group, self._busy_slots(group), is_urgent=is_urgent
            ):
                self._send(assignment)

    def _busy_slots(self, group: Group) -> set[int]:
        """Slots of the set on screen that a request is to bring, or has just brought."""
        wanted = set_of(group)
        stored = {place.slot for place in self._storing if place[:2] == wanted}
        return stored.union(*(each.open for each in self._requests if each.set == wanted))

    def _is_busy(self) -> bool:
        return bool(self._requests or self._storing)

    def _send(self, assignment: Assignment) -> None:
        broken = {slot for slot, live in assignment.lives.items() if live.broke_off}
        if broken:
            self.on_broken_off(assignment.group, broken)
        request = Request(assignment, self._clock, self._take, self._wake.set, self.on_change)
        self._requests[request] = self._spawn(self._see_through(request))

    async def _see_through(self, request: Request) -> None:
        try:
            await request.run()
        finally:
            del self._requests[request]
            self._wake_up()

    # --- responses -----------------------------------------------------------------------------

    def _take(self, request: Request, slot: int, completion: Completion) -> None:
        """A response has ended: the server has room for another one while this is stored."""
        place = Place(*request.set, slot)
        self._storing.add(place)
        if completion.seconds is not None:
            self._durations.append(completion.seconds)
        self._spawn(self._store(place, completion))

    async def _store(self, place: Place, completion: Completion) -> None:
        try:
            response = await self._run_until_done(self._disk.store.add_response, *place, completion)
            if response.slot != place.slot:
                await self._adopt_from_disk(place)
        finally:
            self._storing.discard(place)
        self._adopt(response)

    async def _adopt_from_disk(self, place: Place) -> None:
        """Take in the response that another annotator has typed in a place meanwhile."""
        group = await self._run_until_done(self._disk.store.group, place.group_id, self._annotator)
        for response in group.responses:
            if (response.set_no, response.slot) == (place.set_no, place.slot):
                self._adopt(response)

    def _adopt(self, response: Response) -> None:
        """Take a response that is on disk into what is known."""
        self._worklist.adopt(response)
        self.on_stored(response)
        self._wake_up()

    async def _read_along(self) -> None:
        """Take in what another process has brought."""
        for known in list(self.window):
            group = await self._disk.run(self._disk.store.group, known.id, self._annotator)
            before = {each.id for each in known.responses}
            taken = {each.slot for each in known.shown()}
            for response in group.responses:
                if response.id not in before:
                    if response.set_no == known.draft.set_no and response.slot in taken:
                        self.on_broken_off(known, {response.slot})
                    self._adopt(response)

    async def _refill(self, focus: Group) -> None:
        """Load the groups behind the one on screen."""
        if len(self.window) > 1:  # there is something to send meanwhile: painting comes first
            await asyncio.sleep(PAINTING_SECONDS)
        ahead = await self._run_until_done(
            self._disk.store.upcoming,
            self._annotator,
            focus.position + 1,
            self._depth,
        )
        self._worklist.cover([*self.window[:1], *ahead])
        self._wake_up()

    async def _run_until_done(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a call of the store, and again for as long as the disk refuses."""
        told: StoreError | None = None
        try:
            while True:
                try:
                    return await self._disk.run(call, *args, **kwargs)
                except StoreError as error:
                    self._trouble = told = error
                    self.on_change()
                    await asyncio.sleep(_STORE_RETRY_SECONDS)
        finally:
            if told and self._trouble is told:
                self._trouble = None
                self._wake_up()


async def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    tasks = list(tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
