"""The suite's own server as a process."""

from __future__ import annotations

from dpo_tui.backend.client import HttpChatClient
from dpo_tui.domain.chat import Ask
from dpo_tui.domain.model import Sampling
from dpo_tui.errors import BackendError
from tests.backend.clients import HELLO, ask, collect, ends, text
from tests.servers.process import persona_process


async def test_a_persona_gives_the_same_for_the_same_seed() -> None:
    with persona_process("echo", slots=4) as url:
        client = HttpChatClient(url, "any")
        first = await collect(client, ask(n=4, seed=5))
        second = await collect(client, ask(n=2, seed=6))
        refused = await collect(client, ask(n=6, seed=5))
        await client.aclose()
    texts = [text(first, index) for index in range(4)]
    assert len(set(texts)) == 4
    assert [text(second, index) for index in range(2)] == texts[1:3]
    assert [text(refused, index) for index in range(4)] == texts


async def test_the_injections_arrive_as_they_are() -> None:
    with persona_process("injection") as url:
        client = HttpChatClient(url, "any")
        events = await collect(client, ask(n=8))
        await client.aclose()
    everything = "".join(text(events, index) for index in range(8))
    assert "\x1b]52;" in everything
    assert "\ud800" in everything


async def test_the_flaky_one_is_right_now_and_then() -> None:
    good = failed = 0
    with persona_process("flaky") as url:
        client = HttpChatClient(url, "any")
        for _ in range(24):
            try:
                events = await collect(client, Ask(HELLO, Sampling()))
                good += bool(text(events)) and ends(events)[0].finish_reason == "stop"
            except BackendError:
                failed += 1
        await client.aclose()
    assert good == 8
    assert failed > 8
