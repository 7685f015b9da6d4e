"""Single requests that show how an endpoint answers, each in bounded time."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from contextlib import aclosing
from time import monotonic
from typing import Any

import httpx
from httpx_sse import EventSource

from dpo_tui.backend.address import Address
from dpo_tui.backend.chunks import parse_chunk
from dpo_tui.backend.client import HttpChatClient
from dpo_tui.backend.diagnosis import Wire
from dpo_tui.backend.failures import broken, failure
from dpo_tui.backend.habits import Habits
from dpo_tui.backend.said import Said, read_response
from dpo_tui.backend.stream import read_beginning
from dpo_tui.domain.chat import Ask, Delta, Ended, Narrowed
from dpo_tui.errors import BackendError, ConnectError, ServerError, StallError

_REASONING = ("reasoning_content", "reasoning")
_THINK = "<think>"
_PIECES = 100
"""Pieces of a stream after which it has shown all that it will."""


class Heard:
    """What came of one request until it ended or time was up."""

    def __init__(self, asked: int) -> None:
        self.expected = asked
        """How many choices are to come, as far as is known."""
        self.texts: dict[int, str] = defaultdict(str)
        """By choice, reasoning included."""
        self.first: float | None = None
        """When the first token came, in seconds after the request."""
        self.last = 0.0
        """When the last one came."""
        self.is_whole = False
        """Whether it ended by itself."""
        self._tokens: dict[int, int] = defaultdict(int)

    @property
    def tokens(self) -> int:
        """How many tokens came; where the server doesn't count them, the pieces are counted."""
        return sum(self._tokens.values())

    def take(self, event: object, seconds: float) -> None:
        """Note one event of the stream."""
        match event:
            case Narrowed(n):
                self.expected = n
            case Delta(choice):
                self.texts[choice] += event.reasoning + event.text
                self._tokens[choice] += 1
                self.first = seconds if self.first is None else self.first
                self.last = seconds
            case Ended(choice):
                self.texts[choice] += ""
                self._tokens[choice] = event.completion_tokens or self._tokens[choice]


async def hear(client: HttpChatClient, ask: Ask, seconds: float) -> Heard:
    """Send a request and listen for so long.

    Raises:
        BackendError: it failed, or brought no text in that time.
    """
    try:
        return await _listen(client, ask, seconds)
    except ConnectError:
        # llama.cpp now and then closes a kept connection at the moment when it is used again.
        return await _listen(client, ask, seconds)


async def _listen(client: HttpChatClient, ask: Ask, seconds: float) -> Heard:
    heard = Heard(ask.n)
    began = monotonic()
    try:
        async with asyncio.timeout(seconds), aclosing(client.stream(ask)) as events:
            async for event in events:
                heard.take(event, monotonic() - began)
        heard.is_whole = True
    except TimeoutError:
        pass
    if heard.first is None:
        raise _silent(client.endpoint, seconds, ended=heard.is_whole)
    return heard


async def see(address: Address, model: str, ask: Ask, seconds: float) -> Wire:
    """Send a request and see in what form the answer arrives, however the client would read it.

    Raises:
        BackendError: it failed, or nothing came in that time.
    """
    habits = Habits()
    try:
        async with asyncio.timeout(seconds), address.open(httpx.Timeout(None), 1) as http:
            while True:
                body = habits.body(ask, model)
                async with http.stream("POST", address.chat_url, json=body) as response:
                    seen = await _arriving(response, address)
                if isinstance(seen, Wire):
                    return seen
                habits.learn(seen, ask)
                if habits.body(ask, model) == body:
                    raise failure(seen, address, frozenset(body))
    except TimeoutError:
        raise _silent(address.base_url, seconds, ended=False) from None
    except httpx.RequestError as error:
        raise broken(error, address) from error


def _silent(base_url: str, seconds: float, *, ended: bool) -> BackendError:
    if ended:
        return ServerError(
            f"{base_url} answered without text.", remedy="Look at the server's own log."
        )
    return StallError(
        f"{base_url} sent no text within {seconds:g} s.",
        remedy="Is it overloaded, or still loading its model? Try again then.",
    )


async def _arriving(response: httpx.Response, address: Address) -> Wire | Said:
    """The form of an answer, or what the server says in its place."""
    if not response.is_success:
        body = await read_beginning(response)
        return read_response(response.status_code, response.headers, body)
    if "text/event-stream" not in response.headers.get("content-type", ""):
        # A whole completion, or no completion at all: `parse_chunk` says which.
        payload = _payload((await response.aread()).decode("utf-8", "replace"), address)
        return payload if isinstance(payload, Said) else _wire([payload])
    payloads: list[dict[str, Any]] = []
    async with aclosing(EventSource(response).aiter_sse()) as events:
        async for event in events:
            if event.data.strip() == "[DONE]" or len(payloads) == _PIECES:
                break
            if event.data:
                payload = _payload(event.data, address)
                if isinstance(payload, Said):
                    return payload
                payloads.append(payload)
    return _wire(payloads)


def _payload(data: str, address: Address) -> dict[str, Any] | Said:
    chunk = parse_chunk(data, address)
    if isinstance(chunk, Said):
        return chunk
    payload: dict[str, Any] = json.loads(data)
    return payload


def _wire(payloads: list[dict[str, Any]]) -> Wire:
    deltas = [
        choice.get("delta") or choice.get("message") or {}
        for payload in payloads
        for choice in payload.get("choices") or ()
    ]
    fields = ("content", *_REASONING)
    pieces = [each for each in deltas if any(each.get(name) for name in fields)]
    reasoning = next((name for name in _REASONING if any(each.get(name) for each in deltas)), "")
    text = "".join(each.get("content") or "" for each in deltas)
    return Wire(
        streams=len(pieces) > 1,
        usage=any(payload.get("usage") for payload in payloads),
        reasoning=reasoning or (_THINK if _THINK in text else ""),
    )
