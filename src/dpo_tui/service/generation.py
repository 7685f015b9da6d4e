"""The one place that decides what is generated next, and stores what comes.

First what the group on screen lacks, then the groups ahead in order, up to a depth; as many
requests at once as the endpoint has room for. Nothing is generated twice: a slot has a stored
response, or is on its way, or is asked for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from statistics import median
from typing import Any, NamedTuple, ParamSpec, TypeVar

from dpo_tui.domain.model import (
    MAX_RESPONSES,
    Completion,
    Group,
    Response,
)
from dpo_tui.domain.sources import Recipe, SamplingPlan, SourceSettings, assign
from dpo_tui.errors import StoreError
from dpo_tui.service.disk import Disk
from dpo_tui.service.endpoint import Endpoint, EndpointStatus
from dpo_tui.service.live import Live
from dpo_tui.service.ports import ChatClient, Clock, Role
from dpo_tui.service.request import Request

P = ParamSpec("P")
T = TypeVar("T")

_LONG_PROMPT = 2_000
"""Characters from which a prompt's prefill is worth sharing: one request goes ahead."""
_STORE_RETRY_SECONDS = 1.0
_ASSUMED_PACE = 5.0
"""Seconds a group, for a person that isn't known yet."""
_DEEPEST = 32
"""Groups ahead at the most: what is generated and never labelled is wasted."""
_DURATIONS = 64
_ROLE_SECONDS = 1.0


class Place(NamedTuple):
    """The address of a response."""

    group_id: int
    set_no: int
    slot: int


@dataclass(frozen=True, slots=True)
class Route:
    """A way to a model."""

    client: ChatClient
    concurrency: int
    """Completions in flight from which on no further request is sent."""


@dataclass(frozen=True, slots=True)
class GenerationOptions:
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
        self.on_stored: Callable[[Response], None] = lambda _: None
        """Called with every response once it is on disk."""
        self.on_crash: Callable[[BaseException], None] = lambda _: None
        """Called when a task died of something that nobody foresaw."""
        self.person_seconds: float | None = None
        """How long the person takes for a group; None while it isn't known."""
        self._durations: deque[float] = deque(maxlen=_DURATIONS)
        """Seconds from request to end of the last responses."""
        self.is_elsewhere = False
        """Whether another process generates for this session; what it brings is read along."""
        self._disk = disk
        self._options = options
        self._clock = clock
        self._annotator = annotator
        self._role = role
        self._has_role = False
        self._yields = False
        """Whether the role is given up as soon as the requests under way have ended."""
        self._endpoints = [
            Endpoint(route.client, route.concurrency, self._wake_up, self._spawn)
            for route in routes
        ]
        self._window: list[Group] = []
        self._is_watched = False
        """Whether a person waits for the first group of the window."""
        self._live: dict[Place, Live] = {}
        self._requests: dict[Request, asyncio.Task[None]] = {}
        self._wanted_sizes: dict[tuple[int, int], int] = {}
        """Sizes of sets that the person wanted larger than the settings say."""
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._refill_task: asyncio.Task[None] | None = None
        self._trouble: StoreError | None = None
        self._role_trouble: StoreError | None = None

    # --- what the screen asks ------------------------------------------------------------------

    @property
    def endpoints(self) -> Sequence[EndpointStatus]:
        """How the endpoints are; none when the session needs no server."""
        return [endpoint.status for endpoint in self._endpoints]

    @property
    def trouble(self) -> StoreError | None:
        """Why responses can't be stored, or not even be asked for, at the moment."""
        return self._trouble or self._role_trouble

    def live(self, group_id: int, set_no: int) -> Mapping[int, Live]:
        """By slot, the responses of a set that haven't ended."""
        return {
            place.slot: live
            for place, live in self._live.items()
            if place[:2] == (group_id, set_no)
        }

    def size(self, group: Group) -> int:
        """How many responses the set on screen has or will have."""
        stored = max((each.slot + 1 for each in group.shown()), default=0)
        wanted = self._wanted_sizes.get(_set_of(group), 0)
        if group.prompt.responses and group.draft.set_no == 1:
            return max(stored, wanted)
        return max(stored, wanted, group.prompt.n or self._options.n)

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

    @property
    def window(self) -> Sequence[Group]:
        """The groups that are wanted, the most urgent one first, as far as they have come."""
        return self._window

    @property
    def _concurrency(self) -> int:
        return sum(endpoint.concurrency for endpoint in self._endpoints)

    @property
    def breadth(self) -> int:
        """How many groups the window needs so that there is always something to send."""
        return max(4, 2 * ceil(self._concurrency / self._options.n))

    def is_complete(self, group: Group) -> bool:
        """Whether every response of the set on screen has ended."""
        return next(self._lacking(group), None) is None

    @property
    def ready_ahead(self) -> int:
        """How many groups behind the one on screen are complete."""
        ready = 0
        for group in self._window[1:]:
            if not self.is_complete(group):
                break
            ready += 1
        return ready

    # --- what the service commands -------------------------------------------------------------

    def start(self) -> None:
        """Begin to generate; the event loop has to run."""
        self._spawn(self._keep_role())
        self._spawn(self._run())

    def cover(self, groups: Sequence[Group]) -> None:
        """These groups are wanted, the first one most urgently."""
        self._window = list(groups)
        self._wake.set()

    def focus(self, group: Group | None) -> None:
        """The person looks at this group now: it comes first, then those behind it."""
        self._is_watched = group is not None
        if group is None:
            self.cover([])
        else:
            ahead = [each for each in self._window if each.position > group.position]
            self.cover([group, *ahead])
            if self._refill_task:
                self._refill_task.cancel()
            self._refill_task = self._spawn(self._refill(group))

    def drop(self, group: Group) -> None:
        """What is on its way for the set on screen isn't wanted any more: hang up."""
        for request, task in self._requests.items():
            if (request.group.id, request.set_no) == _set_of(group):
                task.cancel()

    def retry(self, response: Response) -> None:
        """Make another attempt at a response."""
        place = Place(response.group_id, response.set_no, response.slot)
        self._live.setdefault(place, Live(replaces=response.id))
        self._wake_up()

    def extend(self, group: Group) -> None:
        """One more response is wanted in the set on screen."""
        self._wanted_sizes[_set_of(group)] = self.size(group) + 1
        self._wake_up()

    async def aclose(self) -> None:
        """Hang up on every request; what has ended is on disk already."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._role.give()
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

    # --- scheduling ----------------------------------------------------------------------------

    async def _refill(self, focus: Group) -> None:
        """Load the groups behind the one on screen."""
        ahead = await self._run_until_done(
            self._disk.store.upcoming,
            self._annotator,
            focus.position + 1,
            self._depth,
        )
        self._window[1:] = ahead
        self._wake_up()

    def _wake_up(self) -> None:
        self._wake.set()
        self.on_change()

    async def _keep_role(self) -> None:
        """Generate while it is ours to do; otherwise show what the process that does it brings."""
        while True:
            try:
                await self._see_to_role()
                self._role_trouble = None
            except StoreError as error:
                self._role_trouble = error
                self.on_change()
            await asyncio.sleep(_ROLE_SECONDS)

    async def _see_to_role(self) -> None:
        if self._has_role and await self._disk.run(self._role.is_wanted):
            self._yields = True
            if not self._requests:
                self._role.give()
                self._has_role = self._yields = False
        elif not self._has_role:
            has_role = await self._disk.run(self._role.take)
            # Also when it is ours: another process may have made more just before.
            await self._read_along()
            self._has_role = has_role
            self._wake_up()
        self.is_elsewhere = not self._has_role

    async def _read_along(self) -> None:
        for known in self._window:
            group = await self._disk.run(self._disk.store.group, known.id, self._annotator)
            before = {each.id for each in known.responses}
            for response in group.responses:
                if response.id not in before:
                    self._adopt(response)

    def _adopt(self, response: Response) -> None:
        """Take a response that is on disk into what is known."""
        self._live.pop(Place(response.group_id, response.set_no, response.slot), None)
        self._window = [with_response(group, response) for group in self._window]
        self.on_stored(response)
        self._wake_up()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._send_what_fits()

    def _send_what_fits(self) -> None:
        self._forget_unwanted()
        if not self._has_role or self._yields:
            return
        for group in self._window:
            while self._send_one(group, is_urgent=group is self._window[0] and self._is_watched):
                pass

    def _send_one(self, group: Group, *, is_urgent: bool) -> bool:
        """Send one request for what a group lacks, to the least busy endpoint that can serve it."""
        recipes = self._recipes(group)
        with_room = [each for each in self._endpoints if each.has_room(is_urgent=is_urgent)]
        for endpoint in sorted(with_room, key=lambda each: each.load):
            if slots := self._next_slots(group, recipes, endpoint):
                self._send(group, slots, recipes[slots.start], endpoint)
                return True
        return False

    def _recipes(self, group: Group) -> Sequence[Recipe]:
        """How every slot of the set on screen is to be made."""
        plan = SamplingPlan(group.prompt.sampling, group.prompt.temperatures)
        return assign(self._options.sources, self.size(group), self._options.plan, plan)

    def _forget_unwanted(self) -> None:
        """Drop what was begun for groups that the person has left, unless a request brings it."""
        wanted = {(group.id, group.draft.set_no) for group in self._window}
        wanted |= {(each.group.id, each.set_no) for each in self._requests}
        self._live = {place: live for place, live in self._live.items() if place[:2] in wanted}

    def _lacking(self, group: Group) -> Iterator[int]:
        """Slots of the set on screen without an ended response, or with one to be replaced."""
        ended = {each.slot for each in group.shown()}
        for slot in range(self.size(group)):
            if slot not in ended or Place(group.id, group.draft.set_no, slot) in self._live:
                yield slot

    def _next_slots(self, group: Group, recipes: Sequence[Recipe], endpoint: Endpoint) -> range:
        """A run of slots that one request to this endpoint can ask for; empty if there is none.

        Neighbours, because a server gives choice i the seed of choice 0 plus i.
        """
        own = [each for each in self._requests if (each.group.id, each.set_no) == _set_of(group)]
        busy = {slot for request in own for slot in request.open}
        free = [
            slot
            for slot in self._lacking(group)
            if slot not in busy and endpoint.serves(recipes[slot])
        ]
        if not free:
            return range(0)
        first, *others = free
        length = 1
        while (
            length < min(len(free), endpoint.concurrency)
            and others[length - 1] == first + length
            and recipes[first + length] == recipes[first]
        ):
            length += 1
        length = endpoint.client.choices_per_request(length)
        if length == 1 and own and self._reads_a_long_prompt(group):
            return range(0)
        return range(first, first + length)

    def _reads_a_long_prompt(self, group: Group) -> bool:
        """Whether a request is about to compute a prefix that the others will find in the cache."""
        characters = sum(len(message.content) for message in group.prompt.messages)
        return characters >= _LONG_PROMPT and all(
            live.first_token is None for live in self.live(*_set_of(group)).values()
        )

    def _send(self, group: Group, slots: range, recipe: Recipe, endpoint: Endpoint) -> None:
        set_no = group.draft.set_no
        lives = {
            slot: self._live.setdefault(Place(group.id, set_no, slot), Live()) for slot in slots
        }
        if recipe.sampling.seed is not None:
            # Every set, and every response that takes the place of another, gets seeds of its own.
            lap = set_no - 1 + lives[slots.start].replaces
            seed = recipe.sampling.seed + lap * MAX_RESPONSES + slots.start
            recipe = replace(recipe, sampling=replace(recipe.sampling, seed=seed))
        request = Request(group, recipe, lives, endpoint, self._clock, self._store, self.on_change)
        self._requests[request] = self._spawn(self._see_through(request))

    async def _see_through(self, request: Request) -> None:
        try:
            await request.run()
        finally:
            del self._requests[request]
            self._wake_up()

    async def _store(self, request: Request, slot: int, completion: Completion) -> None:
        """Put an ended attempt on disk."""
        response = await self._run_until_done(
            self._disk.store.add_response, request.group.id, request.set_no, slot, completion
        )
        if completion.seconds is not None:
            self._durations.append(completion.seconds)
        self._adopt(response)

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


def _set_of(group: Group) -> tuple[int, int]:
    """The address of the set that is on screen, or would be."""
    return group.id, group.draft.set_no


def with_response(group: Group, response: Response) -> Group:
    """The group after a response was stored; the same one if it isn't its own."""
    if response.group_id != group.id:
        return group
    key = (response.set_no, response.slot)
    others = [each for each in group.responses if (each.set_no, each.slot) != key]
    ordered = sorted([*others, response], key=lambda each: (each.set_no, each.slot))
    return replace(group, responses=tuple(ordered))
