"""Replies for `ChatServer`: good ones, bad ones, and the parts to make more of."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.servers.wire import MODEL, Exchange, Reply

DONE = b"data: [DONE]\n\n"


class Gate:
    """Lets a reply go on step by step, when the test says so."""

    def __init__(self) -> None:
        self._steps = asyncio.Semaphore(0)
        self._reached: asyncio.Queue[None] = asyncio.Queue()

    def open(self, steps: int = 1) -> None:
        """Let so many steps happen; `open(10**6)` holds nothing back any more."""
        self._steps._value += steps - 1
        self._steps.release()

    async def reached(self) -> None:
        """Wait until a reply waits here."""
        await self._reached.get()

    async def wait(self) -> None:
        """What a reply does before each step."""
        self._reached.put_nowait(None)
        await self._steps.acquire()


def event(payload: object) -> bytes:
    """One server-sent event with JSON data."""
    return b"data: " + json.dumps(payload).encode("ascii") + b"\n\n"


def chunk(
    index: int = 0, content: str | None = None, finish: str | None = None, **delta: object
) -> bytes:
    """One event with a piece of one choice; more fields go into its `delta`."""
    fields = delta if content is None else {"content": content, **delta}
    return event(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "model": MODEL,
            "choices": [{"index": index, "delta": fields, "finish_reason": finish}],
        }
    )


def usage(prompt_tokens: int, completion_tokens: int, **fields: object) -> bytes:
    """The usage event."""
    counts = {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens}
    return event({"object": "chat.completion.chunk", "choices": [], "usage": counts, **fields})


def events(*blocks: bytes, gate: Gate | None = None, ends: bool = True, cut: bool = False) -> Reply:
    """Stream these bytes, block by block.

    With a gate every block waits for it. `ends=False` keeps the response open for ever; `cut`
    breaks the connection instead of ending the response.
    """

    async def reply(exchange: Exchange) -> None:
        await exchange.start_stream()
        for block in blocks:
            if gate:
                await gate.wait()
            await exchange.chunk(block)
        if cut:
            exchange.cut()
        elif ends:
            await exchange.end_stream()
        else:
            await silence(exchange)

    return reply


def completion(
    *texts: str,
    finish: str | None = "stop",
    gate: Gate | None = None,
    ignores_n: bool = False,
    token_delay: float = 0.0,
) -> Reply:
    """Stream a good completion: choice i says `texts[i]` (the last text for those beyond).

    Words are tokens. Choices interleave. With a gate every token waits for it.
    """

    async def reply(exchange: Exchange) -> None:
        count = 1 if ignores_n else exchange.request.n
        streams = [tokens(texts[min(index, len(texts) - 1)]) for index in range(count)]
        await exchange.start_stream()
        for index in range(count):
            await exchange.chunk(chunk(index, role="assistant"))
        for index, token in interleave(streams):
            if gate:
                await gate.wait()
            if token_delay:
                await asyncio.sleep(token_delay)
            await exchange.chunk(chunk(index, token))
        for index in range(count):
            await exchange.chunk(chunk(index, finish=finish))
        await exchange.chunk(usage(7, sum(map(len, streams))))
        await exchange.chunk(DONE)
        await exchange.end_stream()

    return reply


def tokens(text: str) -> list[str]:
    """Text in pieces as a model would send it: words with the blank before them."""
    words = text.split(" ")
    return [words[0], *(f" {word}" for word in words[1:])]


def interleave(streams: Sequence[Sequence[str]]) -> Iterable[tuple[int, str]]:
    """Tokens of several choices, one of each in turn."""
    longest = max(map(len, streams), default=0)
    return (
        (index, stream[step])
        for step in range(longest)
        for index, stream in enumerate(streams)
        if step < len(stream)
    )


def chopped(*blocks: bytes, size: int = 1) -> Reply:
    """Stream these bytes in pieces that respect neither characters nor lines."""
    data = b"".join(blocks)
    return events(*(data[start : start + size] for start in range(0, len(data), size)))


def whole(*texts: str, finish: str = "stop", **fields: object) -> Reply:
    """A completion in one JSON body: the server ignores `stream`."""
    choices = [
        {"index": index, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
        for index, text in enumerate(texts)
    ]
    counts = {"prompt_tokens": 7, "completion_tokens": 3}
    return answer(200, {"object": "chat.completion", "choices": choices, "usage": counts, **fields})


def answer(status: int, payload: Any, headers: Mapping[str, str] | None = None) -> Reply:
    """A JSON body."""
    body = json.dumps(payload).encode()
    return plain(status, body, {"Content-Type": "application/json", **(headers or {})})


def error(
    status: int, message: str, headers: Mapping[str, str] | None = None, **fields: object
) -> Reply:
    """An error as OpenAI words it."""
    return answer(status, {"error": {"message": message, "code": status, **fields}}, headers)


def plain(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> Reply:
    """Any body; without a Content-Type header unless one is given."""

    async def reply(exchange: Exchange) -> None:
        await exchange.respond(status, body, headers)

    return reply


def html(status: int, title: str) -> Reply:
    """A page as gateways send it."""
    page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body>...</body></html>"
    return plain(status, page.encode(), {"Content-Type": "text/html; charset=utf-8"})


def queued(gate: Gate, then: Reply) -> Reply:
    """Hold even the headers back until the gate opens."""

    async def reply(exchange: Exchange) -> None:
        await gate.wait()
        await then(exchange)

    return reply


def bytes_and_cut(data: bytes) -> Reply:
    """Bytes that needn't be HTTP, then the connection is closed."""

    async def reply(exchange: Exchange) -> None:
        await exchange.raw(data)
        exchange.cut()

    return reply


async def silence(_: Exchange) -> None:
    """Never answer, or never go on."""
    await asyncio.get_running_loop().create_future()


def at_most(limit: int, then: Reply) -> Reply:
    """Refuse more than `limit` choices as llama.cpp does with fewer slots."""

    async def reply(exchange: Exchange) -> None:
        n = exchange.request.n
        if n > limit:
            words = f"Field 'n': Value must be between 1 <= value <= {limit}, but got {n}"
            await error(400, words, type="invalid_request_error")(exchange)
        else:
            await then(exchange)

    return reply
