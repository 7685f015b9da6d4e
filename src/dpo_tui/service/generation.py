"""The one place that decides what is generated next, and stores what comes.

First what the group on screen lacks, then the groups ahead in order, up to a depth; as many
requests at once as the endpoint has room for. Nothing is generated twice: a slot has a stored
response, or is on its way, or is asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from dpo_tui.domain.model import (
    MAX_RESPONSES,
    Completion,
    Group,
    Response,
    Sampling,
)
from dpo_tui.errors import StoreError
from dpo_tui.service.disk import Disk
from dpo_tui.service.endpoint import Endpoint, EndpointStatus
from dpo_tui.service.live import Live
from dpo_tui.service.ports import ChatClient, Clock
from dpo_tui.service.request import Request

_LONG_PROMPT = 2_000
"""Characters from which a prompt's prefill is worth sharing: one request goes ahead."""
_STORE_RETRY_SECONDS = 1.0


class Place(NamedTuple):
    """The address of a response."""

    group_id: int
    set_no: int
    slot: int


@dataclass(frozen=True, slots=True)
class GenerationOptions:
    """What the person set."""

    n: int
    """Responses per prompt, where the prompt doesn't say."""
    sampling: Sampling
    ahead: int
    """Groups behind the one on screen that are generated before they are asked for."""
    concurrency: int
    """Completions in flight from which on no further request is sent."""


class Generation:
    """Generates ahead of the person; `focus` says where the person is."""

    def __init__(
        self,
        disk: Disk,
        client: ChatClient | None,
        options: GenerationOptions,
        clock: Clock,
        annotator: str,
    ) -> None:
        self.on_change: Callable[[], None] = lambda: None
        """Called when something that `live` or `status` tells has changed; cheap, and often."""
        self.on_stored: Callable[[Response], None] = lambda _: None
        """Called with every response once it is on disk."""
        self.on_crash: Callable[[BaseException], None] = lambda _: None
        """Called when a task died of something that nobody foresaw."""
        self._disk = disk
        self._options = options
        self._clock = clock
        self._annotator = annotator
        self._endpoint = (
            Endpoint(client, options.concurrency, self._wake_up, self._spawn)
            if client is not None
            else None
        )
        self._window: list[Group] = []
        self._live: dict[Place, Live] = {}
        self._requests: dict[Request, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._refill_task: asyncio.Task[None] | None = None
        self._trouble: StoreError | None = None

    # --- what the screen asks ------------------------------------------------------------------

    @property
    def status(self) -> EndpointStatus | None:
        """How the endpoint is; None when the session needs none."""
        return self._endpoint.status if self._endpoint else None

    @property
    def trouble(self) -> StoreError | None:
        """Why responses can't be stored at the moment."""
        return self._trouble

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
        if group.prompt.responses and group.draft.set_no == 1:
            return stored
        return max(stored, group.prompt.n or self._options.n)

    @property
    def ready_ahead(self) -> int:
        """How many groups behind the one on screen are complete."""
        ready = 0
        for group in self._window[1:]:
            if next(self._lacking(group), None) is not None:
                break
            ready += 1
        return ready

    # --- what the service commands -------------------------------------------------------------

    def start(self) -> None:
        """Begin to generate; the event loop has to run."""
        self._spawn(self._run())

    def focus(self, group: Group | None) -> None:
        """The person looks at this group now: it comes first, then those behind it."""
        if group is None:
            self._window = []
        else:
            ahead = [each for each in self._window if each.position > group.position]
            self._window = [group, *ahead]
            if self._refill_task:
                self._refill_task.cancel()
            self._refill_task = self._spawn(self._refill(group))
        self._wake.set()

    def renew(self, group: Group) -> None:
        """The group's responses are wanted anew: what streams for another set of it is dropped."""
        for request, task in self._requests.items():
            if request.group.id == group.id and request.set_no != group.draft.set_no:
                task.cancel()
        self.focus(group)

    def retry(self, response: Response) -> None:
        """Make another attempt at a response that is broken."""
        place = Place(response.group_id, response.set_no, response.slot)
        self._live.setdefault(place, Live())
        self._wake.set()

    async def aclose(self) -> None:
        """Hang up on every request; what has ended is on disk already."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._endpoint:
            await self._endpoint.client.aclose()

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
        ahead = await self._disk.run(
            self._disk.store.upcoming,
            self._annotator,
            focus.position + 1,
            self._options.ahead,
        )
        self._window[1:] = ahead
        self._wake_up()

    def _wake_up(self) -> None:
        self._wake.set()
        self.on_change()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._send_what_fits()

    def _send_what_fits(self) -> None:
        self._forget_unwanted()
        if not self._endpoint:
            return
        for group in self._window:
            while self._endpoint.has_room:
                slots = self._next_slots(group, self._endpoint.client)
                if not slots:
                    break
                self._send(group, slots, self._endpoint)

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

    def _next_slots(self, group: Group, client: ChatClient) -> range:
        """A run of neighbouring slots that one request can ask for; empty when there is none.

        Neighbours, because a server gives choice i the seed of choice 0 plus i.
        """
        own = [each for each in self._requests if (each.group.id, each.set_no) == _set_of(group)]
        busy = {slot for request in own for slot in request.open}
        free = [slot for slot in self._lacking(group) if slot not in busy]
        if not free:
            return range(0)
        first = free[0]
        length = 1
        while first + length in free:
            length += 1
        length = client.choices_per_request(length)
        if length == 1 and own and self._reads_a_long_prompt(group):
            return range(0)
        return range(first, first + length)

    def _reads_a_long_prompt(self, group: Group) -> bool:
        """Whether a request is about to compute a prefix that the others will find in the cache."""
        characters = sum(len(message.content) for message in group.prompt.messages)
        return characters >= _LONG_PROMPT and all(
            live.first_token is None for live in self.live(*_set_of(group)).values()
        )

    def _send(self, group: Group, slots: range, endpoint: Endpoint) -> None:
        set_no = group.draft.set_no
        sampling = group.prompt.sampling.over(self._options.sampling)
        if sampling.seed is not None:
            offset = (set_no - 1) * MAX_RESPONSES + slots.start
            sampling = replace(sampling, seed=sampling.seed + offset)
        lives = {
            slot: self._live.setdefault(Place(group.id, set_no, slot), Live()) for slot in slots
        }
        request = Request(
            group, sampling, lives, endpoint, self._clock, self._store, self.on_change
        )
        self._requests[request] = self._spawn(self._see_through(request))

    async def _see_through(self, request: Request) -> None:
        try:
            await request.run()
        finally:
            del self._requests[request]
            self._wake_up()

    async def _store(self, request: Request, slot: int, completion: Completion) -> None:
        """Put an ended attempt on disk, and try again for as long as the disk refuses."""
        while True:
            try:
                response = await self._disk.run(
                    self._disk.store.add_response,
                    request.group.id,
                    request.set_no,
                    slot,
                    completion,
                )
                break
            except StoreError as error:
                self._trouble = error
                self.on_change()
                await asyncio.sleep(_STORE_RETRY_SECONDS)
        self._trouble = None
        self._live.pop(Place(request.group.id, request.set_no, slot), None)
        self._window = [with_response(group, response) for group in self._window]
        self.on_stored(response)
        self._wake_up()


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
