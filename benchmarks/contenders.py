"""What generation is measured against: the old tool's way, and the loop that one would write.

Runs as a process of its own, so that its start counts as the program's does:

    .venv/bin/python -m benchmarks.contenders bare_loop http://127.0.0.1:8000/v1 --groups 10
"""

from __future__ import annotations

import argparse
import asyncio
import json

import httpx


def _body(group: int, *, stream: bool) -> dict[str, object]:
    messages = [{"role": "user", "content": f"Question {group}: what is a preference pair?"}]
    return {"model": "bench", "messages": messages, "stream": stream}


def one_at_a_time(base_url: str, groups: int, n: int) -> None:
    """One request that isn't streamed after the other, as the tool that this one replaces did."""
    with httpx.Client(timeout=60, trust_env=False) as client:
        for group in range(groups):
            for _ in range(n):
                answer = client.post(
                    f"{base_url}/chat/completions", json=_body(group, stream=False)
                )
                assert answer.json()["choices"][0]["message"]["content"]


async def bare_loop(base_url: str, groups: int, n: int, concurrency: int = 8) -> None:
    """As many streamed requests at once as there are slots; nothing is kept."""
    room = asyncio.Semaphore(concurrency)
    limits = httpx.Limits(max_connections=concurrency)
    async with httpx.AsyncClient(timeout=60, trust_env=False, limits=limits) as client:

        async def complete(group: int) -> str:
            text = ""
            async with (
                room,
                client.stream(
                    "POST", f"{base_url}/chat/completions", json=_body(group, stream=True)
                ) as answer,
            ):
                async for line in answer.aiter_lines():
                    data = line.removeprefix("data: ")
                    if data and data != "[DONE]":
                        text += json.loads(data)["choices"][0]["delta"]["content"]
            assert text
            return text

        await asyncio.gather(*(complete(group) for group in range(groups) for _ in range(n)))


def main() -> None:
    """Run one of them."""
    parser = argparse.ArgumentParser(description="Generate in another way than the program does.")
    parser.add_argument("way", choices=["bare_loop", "one_at_a_time"])
    parser.add_argument("base_url")
    parser.add_argument("--groups", type=int, default=10)
    parser.add_argument("-n", type=int, default=4)
    given = parser.parse_args()
    if given.way == "bare_loop":
        asyncio.run(bare_loop(given.base_url, given.groups, given.n))
    else:
        one_at_a_time(given.base_url, given.groups, given.n)


if __name__ == "__main__":
    main()
