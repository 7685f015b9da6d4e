"""A model server that costs next to nothing: its slots, and how long a completion takes, are exact.

It speaks OpenAI's chat completions. Every choice of a request takes a slot for a fixed time and
comes in equal pieces, one event and one write each; what finds no slot waits without a sign of
life, as with llama.cpp. Hanging up frees the slots. `GET /stats` tells what it has seen.

    .venv/bin/python -m benchmarks.server --slots 8 --seconds 1.0 --pieces 20
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

FIRST_WORD = "Lorem"
"""Every completion begins with it, and holds it nowhere else."""

_WORDS = ("ipsum", "dolor", "sit", "amet", "consectetur", "adipiscing", "elit", "sed", "eiusmod")
_ROOT = Path(__file__).parents[1]
_SERIALS = count(1)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the server is."""

    slots: int = 8
    seconds: float = 1.0
    """From the start of a completion to its end."""
    pieces: int = 20
    """Tokens of a completion; the first one comes after `seconds / pieces`."""
    takes_n: bool = True
    """Whether a request gets the `n` choices that it asks for, or one."""


@dataclass(slots=True)
class Stats:
    """What the server has seen; moments are monotonic seconds, the same for all processes."""

    completions: int = 0
    first_request: float | None = None
    last_end: float | None = None
    busy_seconds: float = 0.0
    """Sum over the slots."""


@dataclass(slots=True)
class Slots:
    """Who may be working."""

    pace: Pace
    stats: Stats = field(default_factory=Stats)
    free: int = 0
    queue: deque[Choice] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.free = self.pace.slots

    def enter(self, choice: Choice) -> None:
        """Start now or when it is its turn."""
        self.queue.append(choice)
        self._start_waiting()

    def leave(self, choice: Choice) -> None:
        """It has ended, or nobody wants it any more."""
        if choice.started is None:
            self.queue.remove(choice)
            return
        self.stats.busy_seconds += asyncio.get_running_loop().time() - choice.started
        self.free += 1
        self._start_waiting()

    def _start_waiting(self) -> None:
        while self.free and self.queue:
            self.free -= 1
            self.queue.popleft().start()


class Choice:
    """One completion on its way."""

    def __init__(self, index: int, reply: Reply, slots: Slots) -> None:
        self.started: float | None = None
        self._index = index
        self._reply = reply
        self._slots = slots
        self._sent = 0
        self._serial = next(_SERIALS)
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Take a slot."""
        self.started = asyncio.get_running_loop().time()
        self._schedule()

    def cancel(self) -> None:
        """Nobody listens any more."""
        if self._timer:
            self._timer.cancel()
        self._slots.leave(self)

    def _schedule(self) -> None:
        # Each moment counts from the start: what one piece is late, the next one isn't.
        pace = self._slots.pace
        moment = (self.started or 0.0) + pace.seconds * (self._sent + 1) / pace.pieces
        self._timer = asyncio.get_running_loop().call_at(moment, self._step)

    def _step(self) -> None:
        self._sent += 1
        is_last = self._sent == self._slots.pace.pieces
        self._reply.piece(self._index, self._word(), is_last=is_last)
        if is_last:
            self._slots.stats.completions += 1
            self._slots.stats.last_end = asyncio.get_running_loop().time()
            self._slots.leave(self)
            self._reply.ended(self)
        else:
            self._schedule()

    def _word(self) -> str:
        match self._sent:
            case 1:
                return FIRST_WORD
            case 2:
                return f" {self._serial}"
            case sent:
                return f" {_WORDS[(self._serial + sent) % len(_WORDS)]}"


class Reply:
    """The answer to one request: a stream of events, or one document at the end."""

    def __init__(
        self, transport: asyncio.Transport, n: int, slots: Slots, *, streams: bool
    ) -> None:
        self._transport = transport
        self._streams = streams
        self._has_begun = False
        self._texts = [""] * n
        self.open = [Choice(index, self, slots) for index in range(n)]
        for choice in list(self.open):
            slots.enter(choice)

    def piece(self, index: int, text: str, *, is_last: bool) -> None:
        """One more token of a choice."""
        self._texts[index] += text
        if self._streams:
            finish = '"stop"' if is_last else "null"
            self._event(
                f'{{"object":"chat.completion.chunk","choices":[{{"index":{index},'
                f'"delta":{{"content":"{text}"}},"finish_reason":{finish}}}]}}'
            )

    def ended(self, choice: Choice) -> None:
        """A choice has come to its end."""
        self.open.remove(choice)
        if self.open:
            return
        if self._streams:
            self._event("[DONE]")
            self._transport.write(b"0\r\n\r\n")
        else:
            choices = [
                {"index": index, "message": {"content": text}, "finish_reason": "stop"}
                for index, text in enumerate(self._texts)
            ]
            self._transport.write(_document({"choices": choices}))

    def cancel(self) -> None:
        """The client has hung up."""
        for choice in self.open:
            choice.cancel()

    def _event(self, data: str) -> None:
        if self._transport.is_closing():
            return
        event = f"data: {data}\n\n"
        head = "" if self._has_begun else _STREAM_HEAD
        self._has_begun = True
        self._transport.write(f"{head}{len(event):x}\r\n{event}\r\n".encode("ascii"))


_STREAM_HEAD = (
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)


def _document(payload: object) -> bytes:
    body = json.dumps(payload).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


class _Connection(asyncio.Protocol):
    """One request after the other, as HTTP clients send them on a connection that is kept."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._received = b""
        self._reply: Reply | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        length = 0
        for line in head.lower().split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name == b"content-length":
                length = int(value)
        if len(rest) >= length:
            self._received = rest[length:]
            self._answer(head.split(b" ", 2)[1], rest[:length])

    def connection_lost(self, _: Exception | None) -> None:
        if self._reply:
            self._reply.cancel()

    def _answer(self, path: bytes, body: bytes) -> None:
        stats = self._slots.stats
        if path.endswith(b"/chat/completions"):
            if stats.first_request is None:
                stats.first_request = asyncio.get_running_loop().time()
            asked = json.loads(body)
            n = asked.get("n", 1) if self._slots.pace.takes_n else 1
            streams = asked.get("stream", False)
            self._reply = Reply(self._transport, n, self._slots, streams=streams)
        elif path.endswith(b"/models"):
            self._transport.write(_document({"data": [{"id": "bench"}]}))
        else:
            named = {name: getattr(stats, name) for name in Stats.__slots__}
            self._transport.write(_document(named))


async def _serve(pace: Pace, port: int) -> None:
    loop = asyncio.get_running_loop()
    slots = Slots(pace)
    server = await loop.create_server(lambda: _Connection(slots), "127.0.0.1", port)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    # Whoever started it holds the other end of its input: it doesn't outlive them.
    gone = asyncio.Event()
    loop.add_reader(sys.stdin, gone.set)
    await gone.wait()


@contextmanager
def serving(pace: Pace) -> Iterator[str]:
    """Run the server in a process of its own and give its base URL."""
    command = [sys.executable, "-m", "benchmarks.server"]
    options = [f"--slots={pace.slots}", f"--seconds={pace.seconds}", f"--pieces={pace.pieces}"]
    if not pace.takes_n:
        options.append("--ignore-n")
    with subprocess.Popen(
        [*command, *options],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def read_stats(base_url: str) -> Stats:
    """What the server has seen so far."""
    connection = HTTPConnection(urlsplit(base_url).netloc, timeout=10)
    connection.request("GET", "/stats")
    try:
        return Stats(**json.load(connection.getresponse()))
    finally:
        connection.close()


def main() -> None:
    """Serve until standard input ends."""
    usual = Pace()
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--slots", type=int, default=usual.slots)
    parser.add_argument("--seconds", type=float, default=usual.seconds, help="per completion")
    parser.add_argument("--pieces", type=int, default=usual.pieces, help="per completion")
    parser.add_argument("--ignore-n", action="store_true", help="one choice, whatever is asked")
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    pace = Pace(given.slots, given.seconds, given.pieces, takes_n=not given.ignore_n)
    asyncio.run(_serve(pace, given.port))


if __name__ == "__main__":
    main()
