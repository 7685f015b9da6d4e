"""Whether an endpoint may be asked now, and when to try it again.

A request that fails for a reason that lies with the server, not with the prompt, closes the
endpoint for every request: one probe at a time finds out when it is back, instead of every card on
its own.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from enum import StrEnum
from typing import Any

from msgspec import Struct

from dpo_tui.domain.sources import Recipe
from dpo_tui.errors import (
    AuthError,
    BackendError,
    BusyError,
    ConnectError,
    ModelError,
    ProtocolError,
    SetupError,
)
from dpo_tui.service.ports import ChatClient

_FIRST_DELAY = 0.5
_LONGEST_DELAY = 5.0  # a person who has just restarted a server is looking at the screen
_LONGEST_BUSY_DELAY = 20.0
_LONGEST_ASKED_DELAY = 60.0


class Health(StrEnum):
    """What an endpoint is worth right now."""

    UP = "up"
    BUSY = "busy"
    """It asked us to wait: rate limit, full queue, loading."""
    DOWN = "down"
    """It doesn't answer."""
    STOPPED = "stopped"
    """This can't work: key, model, URL, proxy or certificate. A person has to mend it."""


class EndpointStatus(Struct, frozen=True):
    """For the screen."""

    url: str
    model: str
    health: Health
    in_flight: int
    """Completions that it is working on for us."""
    message: str = ""
    """What is wrong; foreign text."""
    remedy: str = ""
    delay: float = 0.0
    """Seconds from the last try to the next, while it is not up."""

    @property
    def words(self) -> str:
        """What is wrong, where, and what to do about it, on one line; foreign text."""
        said = " · ".join(filter(None, (self.message, self.remedy)))
        return said if self.url in said else f"{self.url}: {said}"


def spares_the_card(error: BackendError, *, is_admitted: bool) -> bool:
    """Whether a failed request says something about the endpoint alone.

    Such a failure doesn't count as an attempt at a response: it is asked for again when the
    endpoint is back, however long that takes. Nonsense from a server that had begun to answer well
    may be due to this one prompt, which would be asked for again for ever.
    """
    if isinstance(error, ProtocolError):
        return not is_admitted
    return isinstance(error, ConnectError | BusyError | AuthError | ModelError | SetupError)


def seconds_to_probe(error: BackendError, strikes: int) -> float:
    """Seconds until the next probe: exponential with jitter, or more if the server asked for it.

    `strikes` is how many probes there were.
    """
    asked = error.retry_after if isinstance(error, BusyError) else None
    is_silent = isinstance(error, BusyError) and asked is None
    longest = _LONGEST_BUSY_DELAY if is_silent else _LONGEST_DELAY
    delay = min(longest, _FIRST_DELAY * 2.0 ** min(strikes, 10))
    delay *= random.uniform(0.75, 1.25)  # noqa: S311 (spreads load, guards nothing)
    # Servers ask for 0 seconds, or for a moment that has passed, and refuse the next one too.
    return max(delay, min(asked or 0.0, _LONGEST_ASKED_DELAY))


class Endpoint:
    """One chat client with its health and its share of work."""

    def __init__(
        self,
        client: ChatClient,
        concurrency: int,
        on_change: Callable[[], None],
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        self.client = client
        self.in_flight = 0
        self.closings = 0
        """How often it was closed. What a request brings that was begun before the last time says
        nothing of how the endpoint is now."""
        self._spawn = spawn
        self.concurrency = concurrency
        self._on_change = on_change
        self._health = Health.UP
        self._trouble: BackendError | None = None
        self._strikes = 0
        self._delay = 0.0
        self._recovery: asyncio.Task[None] | None = None

    @property
    def load(self) -> float:
        """How busy it is: 1 when it has as much as it should."""
        return self.in_flight / self.concurrency

    def serves(self, recipe: Recipe) -> bool:
        """Whether it can make a response in the way that is wanted."""
        is_named = recipe.endpoint is None or recipe.endpoint == self.client.name
        return is_named and (recipe.model is None or self.client.serves(recipe.model))

    def has_room(self, *, is_urgent: bool) -> bool:
        """Whether one more request may be sent.

        What the person waits for need not wait for what is made ahead: it may be sent beyond the
        limit, up to twice.
        """
        limit = 2 * self.concurrency if is_urgent else self.concurrency
        return self._health is Health.UP and self.in_flight < limit

    @property
    def status(self) -> EndpointStatus:
        """How it is, for the screen."""
        trouble = self._trouble
        return EndpointStatus(
            self.client.endpoint,
            self.client.model,
            self._health,
            self.in_flight,
            trouble.message if trouble else "",
            trouble.remedy if trouble else "",
            self._delay,
        )

    def works(self, closings: int) -> None:
        """Note that it serves a request, begun after so many closings: troubles are forgotten."""
        if closings != self.closings:
            return
        self._strikes = 0
        if self._trouble:
            self._trouble = None
            self._health = Health.UP
            self._on_change()

    def close(self, error: BackendError) -> None:
        """Send nothing more until it recovers; a probe is made again and again until then."""
        self._note(error)
        if self._recovery is None:
            self.closings += 1
            self._recovery = self._spawn(self._recover())

    def _note(self, error: BackendError) -> None:
        self._trouble = error
        self._delay = seconds_to_probe(error, self._strikes)
        match error:
            case BusyError():
                self._health = Health.BUSY
            case AuthError() | ModelError() | ProtocolError() | SetupError():
                self._health = Health.STOPPED
            case _:
                self._health = Health.DOWN
        self._on_change()

    async def _recover(self) -> None:
        while self._health is not Health.UP:
            await asyncio.sleep(self._delay)
            self._strikes += 1
            try:
                await self.client.probe()
            except BackendError as error:
                self._note(error)
            else:
                # The trouble stays on record until a request succeeds, so that the next failure
                # waits longer.
                self._health = Health.UP
        self._recovery = None
        self._on_change()
