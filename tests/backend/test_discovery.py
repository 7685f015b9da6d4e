"""Which endpoint is asked, and what the person is told when that isn't clear."""

from __future__ import annotations

import socket
from contextlib import AsyncExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpo_tui.backend.address import Address, parse_base_url
from dpo_tui.backend.discovery import Candidate, Found, choose, discover, resolve_endpoint
from dpo_tui.backend.models import Models
from dpo_tui.errors import (
    AuthError,
    ConnectError,
    InputError,
    ModelError,
    ProtocolError,
)
from dpo_tui.secret import Secret
from tests.servers import replies
from tests.servers.wire import ChatServer, Exchange, Reply

KEY = Secret("sk-verySecret-0123456789")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


NOBODY = Candidate(f"http://127.0.0.1:{free_port()}/v1", "nobody")


def listing(owner: str, *models: str) -> Reply:
    return replies.answer(200, {"data": [{"id": each, "owned_by": owner} for each in models]})


async def test_servers_are_found_and_others_are_not() -> None:
    answers = [
        listing("vllm", "llama-8b"),
        listing("llamacpp", "some.gguf"),
        listing("me", "a", "b"),
        replies.answer(401, {"error": "Unauthorized"}),
        replies.html(200, "Some web application"),
        replies.answer(404, {"detail": "Not Found"}),
        replies.bytes_and_cut(b"SSH-2.0\r\n\r\n"),
    ]
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(ChatServer()) for _ in answers]
        for server, reply in zip(servers, answers, strict=True):
            server.models_reply = reply
        candidates = [Candidate(each.url, f"guess {i}") for i, each in enumerate(servers)]
        found = await discover([NOBODY, *candidates])
        assert [(each.base_url, each.server, each.models, each.needs_key) for each in found] == [
            (servers[0].url, "vLLM", ("llama-8b",), False),
            (servers[1].url, "llama.cpp", ("some.gguf",), False),
            (servers[2].url, "guess 2", ("a", "b"), False),
            (servers[3].url, "guess 3", (), True),
        ]


async def test_what_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dpo_tui.backend.discovery._DISCOVERY_SECONDS", 0.05)
    async with ChatServer() as server:
        server.models_reply = replies.silence
        assert await discover([Candidate(server.url, "mute")]) == []


async def test_whoever_merely_listens_gets_no_key() -> None:
    async with ChatServer() as server:
        server.models_reply = replies.answer(401, {"error": "Unauthorized"})
        with pytest.raises(InputError, match="wants a key") as caught:
            await resolve_endpoint(None, None, KEY, "MY_KEY", [Candidate(server.url, "vLLM")])
        assert f"--base-url {server.url}" in caught.value.remedy
        assert not any("authorization" in each.headers for each in server.model_requests)
        server.models_reply = listing("vllm", "one")
        found = await resolve_endpoint(None, None, KEY, "MY_KEY", [Candidate(server.url, "vLLM")])
        assert not found.is_named
        assert (found.base_url, found.model, found.server) == (server.url, "one", "vLLM")
        assert server.url in found.note


async def test_nothing_is_found() -> None:
    with pytest.raises(ConnectError, match="No model server answers") as caught:
        await resolve_endpoint(None, None, None, "MY_KEY", [NOBODY])
    assert "nobody" in caught.value.message
    assert "--base-url" in caught.value.remedy


def found(port: int, *models: str, needs_key: bool = False) -> Found:
    return Found(f"http://127.0.0.1:{port}/v1", "vLLM", Models(models), needs_key)


def test_several_servers_are_listed() -> None:
    with pytest.raises(InputError) as caught:
        choose([found(1, "a"), found(2, "b", "c")], None)
    for words in ("2 model servers", ":1/v1 (vLLM): a", ":2/v1 (vLLM): b, c"):
        assert words in caught.value.message
    assert "--base-url http://127.0.0.1:1/v1 --model a" in caught.value.remedy


def test_the_model_tells_which_of_several_servers() -> None:
    servers = [found(1, "a"), found(2, "b", "c"), found(3, needs_key=True)]
    assert choose(servers, "c").base_url == "http://127.0.0.1:2/v1"
    with pytest.raises(InputError, match="without the model 'd'"):
        choose(servers, "d")


def test_several_models_are_listed() -> None:
    with pytest.raises(InputError, match="has several models: b, c"):
        choose([found(2, "b", "c")], None)
    with pytest.raises(InputError, match="and 28 more"):
        choose([found(2, *(f"m{number}" for number in range(40)))], None)
    with pytest.raises(InputError, match="lists no models"):
        choose([found(2)], None)
    assert choose([found(2, "chat", "text-embedding-nomic")], None).model == "chat"


async def test_a_url_that_is_named_whole_is_taken_as_it_is() -> None:
    async with ChatServer() as server:
        found = await resolve_endpoint(f"{server.url}/", "test-model", KEY, "MY_KEY")
        assert (found.base_url, found.model, found.note) == (server.url, "test-model", "")
        assert found.is_named
        assert "authorization" in server.model_requests[0].headers


async def test_the_only_model_is_taken() -> None:
    async with ChatServer() as server:
        assert (await resolve_endpoint(server.url, None, None, "K")).model == "test-model"


async def test_what_can_not_work_is_said_at_once() -> None:
    async with ChatServer() as server:
        with pytest.raises(ModelError, match=r"doesn't have the model 'x'\. It has: test-model"):
            await resolve_endpoint(server.url, "x", None, "K")
        server.models_reply = replies.answer(401, {"error": "Unauthorized"})
        with pytest.raises(AuthError):
            await resolve_endpoint(server.url, "x", None, "K")
        server.models_reply = replies.html(200, "Welcome to nginx")
        with pytest.raises(ProtocolError, match="Welcome to nginx"):
            await resolve_endpoint(server.url, "x", None, "K")


async def test_a_server_that_is_down_may_come_up_later() -> None:
    for url, base_url in (
        (NOBODY.base_url, NOBODY.base_url),
        (NOBODY.base_url.removesuffix("/v1"), NOBODY.base_url),
        (NOBODY.base_url.removesuffix("v1") + "api", NOBODY.base_url.removesuffix("v1") + "api"),
    ):
        assert (await resolve_endpoint(url, "m", None, "K")).base_url == base_url
    async with ChatServer() as server:
        server.models_reply = replies.error(503, "Loading model")
        assert (await resolve_endpoint(server.url, "m", None, "K")).model == "m"
    with pytest.raises(ConnectError, match="refused"):
        await resolve_endpoint(NOBODY.base_url, None, None, "K")


async def test_a_missing_v1_is_added_and_told() -> None:
    async with ChatServer() as server:
        found = await resolve_endpoint(server.url.removesuffix("/v1"), None, None, "K")
        assert found.base_url == server.url
        assert server.url in found.note
        server.models_reply = replies.answer(404, {"detail": "Not Found"})
        with pytest.raises(ProtocolError) as caught:
            await resolve_endpoint(server.url.removesuffix("/v1"), None, None, "K")
        assert "/v1/" not in caught.value.message


async def test_a_server_without_a_list_of_models() -> None:
    async def reply(exchange: Exchange) -> None:
        status = 404 if exchange.request.path.endswith("/models") else 405
        await exchange.respond(status, b'{"detail":"no"}')

    async with ChatServer() as server:
        server.any_reply = reply
        assert (await resolve_endpoint(server.url, "m", None, "K")).base_url == server.url
        with pytest.raises(InputError, match="lists no models"):
            await resolve_endpoint(server.url, None, None, "K")


@pytest.mark.parametrize(
    ("text", "base_url"),
    [
        ("localhost:8000", "http://localhost:8000"),
        ("http://h:1/v1/", "http://h:1/v1"),
        (" https://h/api/v1// ", "https://h/api/v1"),
        ("http://h/v1/chat/completions", "http://h/v1"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
        ("HTTP://Host/v1", "http://host/v1"),
    ],
)
def test_base_urls(text: str, base_url: str) -> None:
    assert parse_base_url(text) == base_url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://",
        "http://a b/v1",
        "ftp://h/v1",
        "http://h:99999/v1",
        "http://h:port/v1",
        "http://xn--/",
        "http://h/v1?key=x",
        "http://h/v1#x",
        "http://\x00/",
        "file:///etc/passwd",
    ],
)
def test_what_is_no_base_url(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_base_url(text)
    assert caught.value.remedy


def test_a_password_in_the_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(InputError) as caught:
        parse_base_url("https://me:hunter22@h/v1")
    assert "hunter22" not in str(caught.value)
    assert "--api-key-env" in caught.value.remedy


@given(st.text(max_size=30))
def test_any_text_is_a_base_url_or_an_input_error(text: str) -> None:
    for each in (text, f"http://{text}"):
        try:
            base_url = parse_base_url(each)
        except InputError:
            continue
        assert parse_base_url(base_url) == base_url
        assert isinstance(Address(base_url).is_local, bool)


def test_what_is_on_this_machine() -> None:
    for host in ("localhost", "127.0.0.1", "127.9.9.9", "[::1]", "0.0.0.0", "a.localhost"):
        assert Address(f"http://{host}:1/v1").is_local
    for host in ("example.org", "10.0.0.1", "localhost.example.org", "[fe80::1]"):
        assert not Address(f"http://{host}:1/v1").is_local
