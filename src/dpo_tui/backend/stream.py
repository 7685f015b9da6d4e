"""The body of a response with status 200 as chunks, with bounded patience and memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from typing import cast

import httpx
from httpx_sse import EventSource
from msgspec import Struct

from dpo_tui.backend.address import Address
from dpo_tui.backend.chunks import Chunk, parse_chunk
from dpo_tui.backend.failures import broken
from dpo_tui.backend.said import Said, describe_body
from dpo_tui.backend.watch import Watch
from dpo_tui.errors import ProtocolError, StallError

_LONGEST_EVENT = 16_000_000
"""Bytes; also of a whole completion from a server that doesn't stream."""
_LONGEST_REFUSAL = 64_000
_REFUSAL_SECONDS = 10.0
_DRAIN_SECONDS = 1.0
_DONE = "[DONE]"

_REST = 0.05
"""Seconds at most for which nothing is read from a stream that flows fast: half of the work is done
a read, however much it brings, and no eye sees the difference."""
_REST_SHARE = 0.01
"""Of the time that the stream has taken: its end comes so much later, and the slot that it had
waits for the next request."""
_FAST = 0.02
"""Seconds to the next token of a stream that flows fast; a shorter rest would save nothing."""
_AT_ONCE = 0.0003
"""Seconds: what came sooner had been read already."""


class Timeouts(Struct, frozen=True):
    """For how many seconds a server may be silent; keep-alive comments are no silence."""

    connect: float = 5.0
    queued: float = 600.0
    """Until headers come: llama.cpp holds even those back while its slots are busy, and Ollama
    loads the model before it sends them."""
    first_token: float = 300.0
    """From the headers to the first token: the prompt is being read."""
    stalled: float = 60.0
    """Between tokens."""
    closing: float = 5.0
    """After the last token, for usage and the end of the stream; then it is done without."""
    quiet: float = 5.0
    """Until it is looked whether anybody listens there at all; never longer than twice that."""


class _Watched(httpx.AsyncByteStream):
    """A response's bytes; silence and endless events raise."""

    def __init__(
        self, stream: httpx.AsyncByteStream, patience: float, base_url: str, watch: Watch
    ) -> None:
        self.patience = patience
        self.silence = f"{base_url} began to answer, then sent no token"
        """What is to be said of it, seconds excepted."""
        self.pending = 0
        """Bytes since the last event, which whoever reads events sets to 0."""
        self.may_rest = False
        """Whether it may be read in larger blocks, a little later."""
        self._stream = stream
        self._base_url = base_url
        self._watch = watch

    async def __aiter__(self) -> AsyncIterator[bytes]:
        blocks = aiter(self._stream)
        now = asyncio.get_running_loop().time
        began = now()
        while True:
            asked = now()
            try:
                block = await self._watch.wait(anext(blocks), self.patience)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise StallError(
                    f"{self.silence} for {self.patience:g} s.",
                    remedy="Is the server overloaded? Its own log says more.",
                ) from None
            self.pending += len(block)
            if self.pending > _LONGEST_EVENT:
                raise ProtocolError(f"{self._base_url} sends data without end and no completion.")
            waited = now() - asked
            yield block
            rest = min(_REST, _REST_SHARE * (now() - began))
            if self.may_rest and _AT_ONCE < waited < _FAST <= rest:
                await asyncio.sleep(rest)

    async def aclose(self) -> None:
        await self._stream.aclose()


class ChunkStream:
    """The chunks of a chat completion that a server answers, streamed or in one piece."""

    def __init__(
        self, response: httpx.Response, timeouts: Timeouts, address: Address, watch: Watch
    ) -> None:
        self.is_done = False
        """Whether the server said itself that this is all."""
        self._response = response
        self._timeouts = timeouts
        self._address = address
        self._watched = _Watched(
            cast(httpx.AsyncByteStream, response.stream),
            timeouts.first_token,
            address.base_url,
            watch,
        )
        response.stream = self._watched

    def expect_more_text(self) -> None:
        """Text has come: from now on a silence is a stall in the middle."""
        self._watched.may_rest = True
        self._watched.patience = self._timeouts.stalled
        self._watched.silence = f"{self._address.base_url} stopped in the middle: it sent nothing"

    def expect_end(self) -> None:
        """All text has come."""
        self._watched.may_rest = False
        self._watched.patience = self._timeouts.closing

    async def read(self) -> AsyncGenerator[Chunk | Said, None]:
        """Every chunk; a failure that the server reports in the place of one comes last.

        Raises:
            ConnectError: the connection broke before the end.
            BackendError: the server falls silent, or sends no chat completion.
        """
        try:
            async with aclosing(self._documents()) as documents:
                async for data in documents:
                    chunk = parse_chunk(data, self._address)
                    yield chunk
                    if isinstance(chunk, Said):
                        return
        except httpx.RequestError as error:
            raise broken(error, self._address) from error

    async def _documents(self) -> AsyncGenerator[str, None]:
        """JSON documents: one an event, or a whole body."""
        content_type = self._response.headers.get("content-type", "").lower()
        if "text/event-stream" in content_type:
            async with aclosing(self._events()) as events:
                async for data in events:
                    yield data
        elif "json" in content_type:
            body = await self._response.aread()
            self.is_done = True
            yield body.decode("utf-8", errors="replace")
        else:
            what = describe_body(await read_beginning(self._response))
            raise ProtocolError(
                f"{self._address.base_url} answers with {self._address.quote(what, 200)}"
                f" ({self._address.quote(content_type) or 'no content type'})"
                " instead of a chat completion.",
                remedy="Is the base URL right? It usually ends in /v1.",
            )

    async def _events(self) -> AsyncGenerator[str, None]:
        # The SSE standard: always UTF-8, whatever the header says; a byte order mark is dropped.
        self._response.encoding = "utf-8-sig"
        async with aclosing(EventSource(self._response).aiter_sse()) as events:
            async for event in events:
                self._watched.pending = 0
                if event.data.strip() == _DONE:
                    self.is_done = True
                    await _drain(events)
                    return
                if event.data:
                    yield event.data


async def _drain(events: AsyncIterator[object]) -> None:
    """Read to the end of the body: only then the connection can be used again."""
    with suppress(TimeoutError, StallError, httpx.RequestError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for _ in events:
                pass


async def read_beginning(response: httpx.Response) -> bytes:
    """The beginning of a body, long enough to tell what it says, in bounded time."""
    body = b""
    with suppress(TimeoutError, StallError, httpx.RequestError):  # what has come says enough
        async with asyncio.timeout(_REFUSAL_SECONDS):
            async for block in response.aiter_bytes():
                body += block
                if len(body) >= _LONGEST_REFUSAL:
                    break
    return body
