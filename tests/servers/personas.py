"""A chat server as its own process: `python -m tests.servers.personas echo --port 0`.

It prints its base URL once it listens, and serves until it is killed or its stdin closes. What it
says is decided by the prompt, the seed (or the number of the request) and the choice, so that runs
can be compared and no two responses of a group are alike.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from itertools import count

from tests.servers import replies
from tests.servers.wire import ChatServer, Exchange, Reply

SENTENCE = "the river bends where old willows lean and nobody counts the slow bright hours"
WORDS = SENTENCE.split(" ")
INJECTIONS = (
    "\x1b]52;c;SU5KRUNURUQ=\x07 clipboard",
    "\x1b[2J\x1b[31m cleared and red",
    "\x1b]0;INJECTED\x07 title",
    "\x9b31m\x90q C1 controls",
    "[/b] [bold red]markup[/] [link=http://example.org]x[/link]",
    "&#27;[31m &lt;b&gt; `\x1b[5m` **bold** <script>alert(1)</script>",
    "\u202egnirts desrever\u202c \u200b\u2066isolated\u2069",
    "bell \x07 backspace \x08\x08 carriage\rreturn \x7f lone \ud800 end",
)


def told(request_no: int, exchange: Exchange, choice: int) -> str:
    """A sentence that depends on prompt, seed and choice."""
    body = exchange.request.body
    number = int(body.get("seed", 1000 * request_no)) + choice
    user = str(body["messages"][-1]["content"])[:60]
    turn = number % len(WORDS)
    return " ".join([f"Response {number} to {user!r}:", *WORDS[turn:], *WORDS[: turn + number % 7]])


def injecting(request_no: int, exchange: Exchange, choice: int) -> str:
    """Text that tries to act on the terminal that shows it."""
    attack = INJECTIONS[(request_no + choice) % len(INJECTIONS)]
    return f"{told(request_no, exchange, choice)} {attack}"


def talking(say: Callable[[int, Exchange, int], str], token_delay: float, slots: int) -> Reply:
    """Answers with what `say` says; at most `slots` completions at once, others are queued."""
    numbers = count(1)
    free = asyncio.Semaphore(slots)
    turn = asyncio.Lock()  # one takes all its slots before the next one takes any

    async def reply(exchange: Exchange) -> None:
        number = next(numbers)
        if exchange.request.n > slots:
            await replies.at_most(slots, replies.silence)(exchange)
            return
        taken = 0
        try:
            async with turn:
                for _ in range(exchange.request.n):
                    await free.acquire()
                    taken += 1
            texts = [say(number, exchange, choice) for choice in range(exchange.request.n)]
            await replies.completion(*texts, token_delay=token_delay)(exchange)
        finally:
            for _ in range(taken):
                free.release()

    return reply


def failing_now_and_then(good: Reply) -> Reply:
    """Two of three requests fail, each in another way."""
    partial = replies.chunk(0, "This response will never")
    faults = (
        replies.error(429, "slow down", {"Retry-After": "0"}),
        replies.error(500, "CUDA out of memory"),
        replies.events(partial, cut=True),
        replies.events(replies.event({"error": {"message": "engine died", "code": 500}})),
        replies.html(502, "502 Bad Gateway"),
        replies.events(replies.chunk(0, ""), replies.chunk(0, finish="stop"), replies.DONE),
        replies.plain(503, b"loading"),
        replies.bytes_and_cut(b""),
    )
    numbers = count()

    async def reply(exchange: Exchange) -> None:
        turn, is_good = divmod(next(numbers), 3)
        if is_good == 2:
            await good(exchange)
        else:
            await faults[(2 * turn + is_good) % len(faults)](exchange)

    return reply


def persona(name: str, token_delay: float, slots: int) -> Reply:
    """The reply of a canned character."""
    match name:
        case "injection":
            return talking(injecting, token_delay, slots)
        case "slow":
            return talking(told, token_delay or 0.25, slots)
        case "flaky":
            return failing_now_and_then(talking(told, token_delay, slots))
        case _:
            return talking(told, token_delay, slots)


async def serve(name: str, port: int, token_delay: float, slots: int) -> None:
    """Serve until stdin closes: a test that dies takes its server with it."""
    reply = persona(name, token_delay, slots)
    async with ChatServer(reply, port=port) as server:
        print(server.url, flush=True)  # noqa: T201 (this is what the caller waits for)
        await asyncio.to_thread(sys.stdin.read)


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.servers.personas")
    parser.add_argument("name", choices=["echo", "injection", "slow", "flaky"])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token-delay", type=float, default=0.0, help="seconds")
    parser.add_argument("--slots", type=int, default=8)
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.name, arguments.port, arguments.token_delay, arguments.slots))


if __name__ == "__main__":
    main()
