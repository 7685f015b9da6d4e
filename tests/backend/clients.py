"""What the client's tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from dpo_tui.backend.client import HttpChatClient
from dpo_tui.domain.chat import Ask, ChatEvent, Delta, Ended
from dpo_tui.domain.model import Message, Sampling
from tests.servers.wire import MODEL, ChatServer, Reply

HELLO = (Message("user", "Say hello."),)


def ask(n: int = 1, **sampling: Any) -> Ask:
    return Ask(HELLO, Sampling(**sampling), n)


@asynccontextmanager
async def serving(
    *script: Reply, **options: Any
) -> AsyncIterator[tuple[ChatServer, HttpChatClient]]:
    """A server whose first requests get the script (the last ones the last of it), and a client."""
    async with ChatServer(script[-1] if script else None) as server:
        server.script(*script)
        client = HttpChatClient(server.url, MODEL, **options)
        try:
            yield server, client
        finally:
            await client.aclose()


async def collect(client: HttpChatClient, wanted: Ask) -> list[ChatEvent]:
    async with aclosing(client.stream(wanted)) as events:
        return [event async for event in events]


async def ask_once(wanted: Ask, *script: Reply, **options: Any) -> list[ChatEvent]:
    """The events that a client gets from a server with this script."""
    async with serving(*script, **options) as (_, client):
        return await collect(client, wanted)


def text(events: list[ChatEvent], choice: int = 0) -> str:
    """The text of a choice as whoever reads the events puts it together."""
    return _both(events, choice)[0]


def reasoning(events: list[ChatEvent], choice: int = 0) -> str:
    return _both(events, choice)[1]


def _both(events: list[ChatEvent], choice: int) -> tuple[str, str]:
    so_far = kept_apart = ""
    for event in events:
        if isinstance(event, Delta) and event.choice == choice:
            if event.recast:
                so_far, kept_apart = "", kept_apart + so_far
            so_far += event.text
            kept_apart += event.reasoning
    return so_far, kept_apart


def ends(events: list[ChatEvent]) -> dict[int, Ended]:
    """The end of each choice; there is never more than one, and nothing after it."""
    found: dict[int, Ended] = {}
    for event in events:
        if isinstance(event, Ended):
            assert event.choice not in found
            found[event.choice] = event
        elif isinstance(event, Delta):
            assert event.choice not in found
    return found
