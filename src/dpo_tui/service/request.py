"""One request under way: from its stream to ended responses."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing

from msgspec.structs import replace

from dpo_tui.domain.chat import Admitted, Ask, ChatEvent, Delta, Ended, Narrowed
from dpo_tui.domain.labelling import completion_state
from dpo_tui.domain.model import Completion, Origin, Source, State
from dpo_tui.errors import BackendError, PromptError, ServerError
from dpo_tui.service.dispatch import Assignment
from dpo_tui.service.endpoint import spares_the_card
from dpo_tui.service.live import Phase
from dpo_tui.service.ports import Clock
from dpo_tui.service.worklist import set_of

_ATTEMPTS = 3
"""How often a response is tried before it counts as failed and waits for the person."""

_REASONS = {
    State.FAILED: "the server withheld the response (content filter)",
    State.ABORTED: "the response broke off in the middle",
}


class Request:
    """Asks an endpoint for neighbouring slots of one set, and says how each of them ended."""

    def __init__(
        self,
        assignment: Assignment,
        clock: Clock,
        take: Callable[[Request, int, Completion], None],
        on_room: Callable[[], None],
        on_change: Callable[[], None],
    ) -> None:
        self.set = set_of(assignment.group)
        self.open = assignment.lives
        """By slot, what it still has to bring."""
        self._messages = assignment.group.prompt.messages
        self._first_slot = min(assignment.lives)
        self._recipe = assignment.recipe
        self._endpoint = assignment.endpoint
        self._clock = clock
        self._take = take
        """Is given every response that has ended, whole or broken."""
        self._on_room = on_room
        """Called when a slot, and with it room at the endpoint, is free for another request."""
        self._on_change = on_change
        self._is_admitted = False
        """Whether the server has begun to answer."""
        self._closings = self._endpoint.closings
        self._endpoint.in_flight += len(self.open)
        for live in self.open.values():
            live.begin(clock.monotonic())

    async def run(self) -> None:
        """Send it and see it through; a slot that it doesn't bring is free for another request."""
        n = len(self.open)
        recipe = self._recipe
        ask = Ask(self._messages, recipe.sampling, n, recipe.model)
        try:
            async with aclosing(self._endpoint.client.stream(ask)) as events:
                async for event in events:
                    self._heed(event)
            if len(self.open) == n:
                raise ServerError("the server answered without a response")
        except BackendError as error:
            self._fail(error)
        finally:
            for slot in list(self.open):
                self._release(slot)

    def _heed(self, event: ChatEvent) -> None:
        match event:
            case Admitted():
                self._is_admitted = True
                for live in self.open.values():
                    live.phase = Phase.ADMITTED
            case Delta(choice):
                self._endpoint.works(self._closings)
                if growing := self.open.get(self._first_slot + choice):
                    growing.grow(event, self._clock.monotonic())
            case Narrowed(n):
                for slot in [each for each in self.open if each >= self._first_slot + n]:
                    self._release(slot)
            case Ended(choice):
                self._endpoint.works(self._closings)
                if self._first_slot + choice in self.open:
                    self._end(event)
        self._on_change()

    def _end(self, event: Ended) -> None:
        slot = self._first_slot + event.choice
        live = self.open[slot]
        state = completion_state(live.text, event.finish_reason, whole=event.whole)
        if state is State.ABORTED and live.attempts + 1 < _ATTEMPTS:
            live.retry(_REASONS[state])
            self._release(slot)
            return
        first_token = live.first_token
        completion = Completion(
            text=live.text,
            state=state,
            source=self._source(slot),
            reasoning=live.reasoning,
            finish_reason=event.finish_reason,
            error=_REASONS.get(state, ""),
            prompt_tokens=event.prompt_tokens,
            completion_tokens=event.completion_tokens,
            first_token_seconds=None if first_token is None else first_token - live.started,
            seconds=self._clock.monotonic() - live.started,
        )
        self._finish(slot, completion)

    def _fail(self, error: BackendError) -> None:
        """Say what becomes of the slots that hadn't ended when the request failed."""
        is_refused = isinstance(error, PromptError)
        if not is_refused:
            self._endpoint.close(error)
        for slot, live in sorted(self.open.items()):
            if spares_the_card(error, is_admitted=self._is_admitted):
                live.wait()
            elif not is_refused and live.attempts + 1 < _ATTEMPTS:
                live.retry(error.message)
            else:
                completion = Completion(
                    text="",
                    state=State.FAILED,
                    source=self._source(slot),
                    error=str(error),
                    seconds=self._clock.monotonic() - live.started,
                )
                self._finish(slot, completion)

    def _finish(self, slot: int, completion: Completion) -> None:
        del self.open[slot]
        self._endpoint.in_flight -= 1
        self._take(self, slot, completion)
        self._on_room()

    def _release(self, slot: int) -> None:
        live = self.open.pop(slot)
        self._endpoint.in_flight -= 1
        if live.phase is not Phase.RETRYING:
            live.phase = Phase.WAITING
        self._on_room()

    def _source(self, slot: int) -> Source:
        """Where the response of a slot comes from, its own seed included."""
        sampling = self._recipe.sampling
        if sampling.seed is not None:
            sampling = replace(sampling, seed=sampling.seed + slot - self._first_slot)
        client = self._endpoint.client
        model = self._recipe.model or client.model
        return Source(Origin.MODEL, client.endpoint, model, sampling)
