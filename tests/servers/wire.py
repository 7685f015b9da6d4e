"""An HTTP/1.1 server on loopback that can do on the wire what no server should.

    async with ChatServer(replies.completion("hello")) as server:
        client = HttpChatClient(server.url, "test-model")

A reply is an async callable that is given an `Exchange` and writes bytes into it. Scripted replies
(`server.script(...)`) are used up one a request, then comes the default one.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from ssl import SSLContext
from typing import Any

MODEL = "test-model"


@dataclass(eq=False)
class Request:
    """One request as it came, and what became of it."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    raw_body: bytes
    connection: int
    """Which connection it came on, counted from 1."""
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the client closed the connection before the reply was whole."""
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the reply was whole."""

    @property
    def body(self) -> dict[str, Any]:
        """The JSON body."""
        body: dict[str, Any] = json.loads(self.raw_body)
        return body

    @property
    def n(self) -> int:
        """How many choices are asked for."""
        return int(self.body.get("n", 1))


class Exchange:
    """A request and the means to answer it, well or badly."""

    def __init__(self, request: Request, writer: asyncio.StreamWriter) -> None:
        self.request = request
        self.keeps_connection = True
        self._writer = writer

    async def raw(self, data: bytes) -> None:
        """Write bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Write status line and headers."""
        phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Odd"
        lines = [f"HTTP/1.1 {status} {phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        await self.raw("\r\n".join([*lines, "", ""]).encode("latin-1"))

    async def respond(
        self, status: int, body: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        """Write a whole response."""
        await self.head(status, {"Content-Length": str(len(body)), **(headers or {})})
        await self.raw(body)

    async def start_stream(self, content_type: str = "text/event-stream") -> None:
        """Write the head of a streamed response."""
        await self.head(200, {"Content-Type": content_type, "Transfer-Encoding": "chunked"})

    async def chunk(self, data: bytes) -> None:
        """Write one chunk of a streamed response; it reaches the client's decoder as one piece."""
        if data:
            await self.raw(b"%x\r\n%b\r\n" % (len(data), data))

    async def end_stream(self) -> None:
        """End a streamed response as HTTP wants it."""
        await self.raw(b"0\r\n\r\n")

    def cut(self) -> None:
        """Close the connection, whatever is still missing."""
        self.keeps_connection = False


Reply = Callable[[Exchange], Awaitable[None]]


class ChatServer:
    """The server: knows `/v1/models` and the chat route, and records every chat request."""

    def __init__(
        self,
        reply: Reply | None = None,
        *,
        models: tuple[str, ...] = (MODEL,),
        port: int = 0,
        tls: SSLContext | None = None,
    ) -> None:
        self.reply = reply
        """What chat requests get when the script is empty."""
        self.models_reply: Reply = _list_of(models)
        """What `GET /v1/models` gets."""
        self.other_replies: dict[str, Reply] = {}
        """What GET requests to other paths get; 404 if it isn't there."""
        self.any_reply: Reply | None = None
        """What every request gets instead, whatever its route."""
        self.requests: list[Request] = []
        """Every request to the chat route, in order."""
        self.model_requests: list[Request] = []
        """Every request for the list of models."""
        self.url = ""
        """The base URL."""
        self._port = port
        self._tls = tls
        self._script: deque[Reply] = deque()
        self._arrived = asyncio.Condition()
        self._connections: set[asyncio.Task[None]] = set()
        self._connection_count = 0

    def script(self, *replies: Reply) -> None:
        """What the next chat requests get, one each."""
        self._script.extend(replies)

    async def wait_for_requests(self, count: int) -> list[Request]:
        """The chat requests, as soon as there are so many."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.requests) >= count)
        return self.requests

    async def __aenter__(self) -> ChatServer:
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", self._port, ssl=self._tls
        )
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{port}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def stop_listening(self) -> None:
        """Refuse new connections; those that are open stay so."""
        self._server.close()

    async def stop(self) -> None:
        """Die: nobody listens any more, and every connection breaks."""
        self.stop_listening()
        connections = list(self._connections)
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def restart(self) -> None:
        """Come back at the same place."""
        self._port = int(self.url.removesuffix("/v1").rpartition(":")[2])
        await self.__aenter__()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._connections.add(task)
        self._connection_count += 1
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._serve(_Reader(reader), writer, self._connection_count)
        finally:
            self._connections.discard(task)
            writer.close()
            with suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _serve(self, reader: _Reader, writer: asyncio.StreamWriter, connection: int) -> None:
        while request := await reader.request(connection):
            exchange = Exchange(request, writer)
            answering = asyncio.ensure_future(self._answer(exchange))
            leaving = asyncio.ensure_future(reader.wait_for_hang_up())
            try:
                await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
                if not answering.done():
                    request.hung_up.set()
                    return
                answering.result()
                request.answered.set()
            except ConnectionError:
                request.hung_up.set()
                return
            finally:
                answering.cancel()
                leaving.cancel()
                await asyncio.gather(answering, leaving, return_exceptions=True)
            if not exchange.keeps_connection:
                return

    async def _answer(self, exchange: Exchange) -> None:
        request = exchange.request
        if self.any_reply:
            await self.any_reply(exchange)
            return
        match request.method, request.path:
            case "GET", "/v1/models":
                self.model_requests.append(request)
                await self.models_reply(exchange)
            case "POST", "/v1/chat/completions":
                async with self._arrived:
                    self.requests.append(request)
                    self._arrived.notify_all()
                reply = self._script.popleft() if self._script else self.reply
                assert reply, "no reply was scripted"
                await reply(exchange)
            case "GET", path if path in self.other_replies:
                await self.other_replies[path](exchange)
            case _:
                await exchange.respond(404, b'{"detail":"Not Found"}')


class _Reader:
    """Reads requests, and in between notices when the client has gone."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._early = b""

    async def request(self, connection: int) -> Request | None:
        """The next request; None when the client closed the connection."""
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        first, *lines = (self._early + head).decode("latin-1").strip().split("\r\n")
        self._early = b""
        method, path, _ = first.split(" ")
        fields = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in fields}
        body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        return Request(method, path, headers, body, connection)

    async def wait_for_hang_up(self) -> None:
        """Return when the client has closed; a client that sends its next request has not."""
        while data := await self._reader.read(1):
            self._early += data
            await asyncio.get_running_loop().create_future()


def _list_of(models: tuple[str, ...]) -> Reply:
    entries = [{"id": model, "object": "model", "owned_by": "test"} for model in models]
    body = json.dumps({"object": "list", "data": entries}).encode()

    async def reply(exchange: Exchange) -> None:
        await exchange.respond(200, body, {"Content-Type": "application/json"})

    return reply
