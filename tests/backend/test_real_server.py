"""The client against llama.cpp itself with a real model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from msgspec.structs import replace

from dpo_tui.backend.client import HttpChatClient
from dpo_tui.backend.discovery import resolve_endpoint
from dpo_tui.backend.embedded import SLOTS, EmbeddedServer, find_model_file
from dpo_tui.domain.chat import Admitted, Delta, Narrowed
from dpo_tui.domain.model import Message
from dpo_tui.errors import AuthError, PromptError
from dpo_tui.secret import Secret
from tests.backend.clients import ask, collect, ends, text


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, EmbeddedServer]]:
    embedded = EmbeddedServer(find_model_file(None))
    try:
        yield asyncio.run(embedded.start(lambda _: None)), embedded
    finally:
        embedded.stop()


@pytest_asyncio.fixture
async def client(server: tuple[str, EmbeddedServer]) -> AsyncIterator[HttpChatClient]:
    base_url, embedded = server
    client = HttpChatClient(base_url, embedded.model, embedded.key)
    yield client
    await client.aclose()


async def test_it_streams_one_completion(client: HttpChatClient) -> None:
    await client.probe()
    events = await collect(client, ask(seed=1, max_tokens=8))
    assert events[0] == Admitted()
    assert len([each for each in events if isinstance(each, Delta)]) > 1
    assert text(events).strip()
    end = ends(events)[0]
    assert end.finish_reason in {"stop", "length"}
    assert end.whole
    assert end.prompt_tokens
    assert end.completion_tokens is not None
    assert 1 < end.completion_tokens <= 8


async def test_it_gives_as_many_choices_as_it_has_slots(client: HttpChatClient) -> None:
    events = await collect(client, ask(n=SLOTS + 2, seed=1, max_tokens=24, temperature=1.5))
    assert events[0] == Narrowed(SLOTS)
    assert ends(events).keys() == set(range(SLOTS))
    assert len({text(events, index) for index in range(SLOTS)}) > 1
    assert client.choices_per_request(9) == SLOTS


async def test_more_requests_than_slots_are_queued(client: HttpChatClient) -> None:
    wanted = [collect(client, ask(max_tokens=4)) for _ in range(2 * SLOTS)]
    for events in await asyncio.gather(*wanted):
        assert 0 in ends(events)


async def test_hanging_up_frees_the_slots(client: HttpChatClient) -> None:
    endless = ask(n=SLOTS, max_tokens=100_000, extra={"ignore_eos": True})
    stream = client.stream(endless)
    async for each in stream:
        if isinstance(each, Delta):
            break
    await stream.aclose()
    # With every slot still at work this would be queued behind 100,000 tokens.
    assert 0 in ends(await collect(client, ask(max_tokens=2)))


async def test_a_prompt_beyond_the_context_is_the_prompts_fault(client: HttpChatClient) -> None:
    long = replace(ask(), messages=(Message("user", "word " * 5000),))
    with pytest.raises(PromptError) as caught:
        await collect(client, long)
    assert "Shorten" in caught.value.remedy


async def test_the_wrong_key(server: tuple[str, EmbeddedServer]) -> None:
    base_url, embedded = server
    stranger = HttpChatClient(base_url, embedded.model, Secret("not-the-right-one"), "MY_KEY")
    with pytest.raises(AuthError) as caught:
        await collect(stranger, ask())
    assert "MY_KEY" in caught.value.remedy
    await stranger.aclose()


async def test_its_model_is_found(server: tuple[str, EmbeddedServer]) -> None:
    base_url, embedded = server
    found = await resolve_endpoint(base_url, None, embedded.key, "MY_KEY")
    assert (found.model, found.server) == (embedded.model, "llama.cpp")
