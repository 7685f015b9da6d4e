"""Keys act one after the other, also where a slow link brings several at once.

Textual hands the next key on while the one before is still on its way through the widgets. Some
keys act on the first of them, some on the last one: what was typed came in another order, and keys
behind the one that closes a dialog were still typed into it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

from textual.events import Event
from textual.message import Message
from textual.widget import Widget

_ROUNDS = 2
"""What a key sets off is told in messages of its own, which set off others: what a list chose."""


class Passed(Message):
    """Goes the way of a key, behind it; when it arrives the key has acted."""


class InTurn:
    """Hands on what is typed, each key when the one before it has acted."""

    def __init__(
        self, hand_on: Callable[[Event], Awaitable[None]], target: Callable[[], Widget]
    ) -> None:
        """`target` is where keys go now: what has the focus."""
        self._hand_on = hand_on
        self._target = target
        self._waiting: deque[Event] = deque()
        self._on_way_to: Widget | None = None
        """Where the last key, or what follows it, went; None when it has acted."""
        self._rounds = 0
        """How often it is still followed before the next key."""

    async def take(self, event: Event) -> None:
        """A key was pressed, or text pasted."""
        on_way_to = self._on_way_to
        if on_way_to is not None and on_way_to.is_mounted and not on_way_to.is_running:
            # It went with a dialog, and so do those that were typed into that.
            self._waiting.clear()
            on_way_to = None
        self._waiting.append(event)
        if on_way_to is None:
            await self._next()

    def is_waiting(self, event: Event) -> bool:
        """Whether a key has yet to be handed on."""
        return event in self._waiting

    async def hurry(self, event: Event) -> None:
        """Hand on a key that has waited long enough."""
        if event in self._waiting:
            self._waiting.remove(event)
            await self._hand_on(event)

    async def passed(self) -> None:
        """The key has acted; what it has opened may still have to take the focus."""
        if self._on_way_to is not self._target():
            self._follow()
        elif self._waiting and self._rounds:
            self._rounds -= 1
            self._follow()
        elif self._waiting:
            await self._next()
        else:
            self._on_way_to = None

    async def _next(self) -> None:
        self._rounds = _ROUNDS
        self._on_way_to = self._target()
        await self._hand_on(self._waiting.popleft())
        self._follow()

    def _follow(self) -> None:
        self._on_way_to = target = self._target()
        target.post_message(Passed())
