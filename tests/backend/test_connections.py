"""Requests and connections: what is sent, reused, hung up and left behind."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from traceback import format_exception

import pytest

from dpo_tui.backend.client import HttpChatClient
from dpo_tui.domain.chat import Admitted, Ask, Delta
from dpo_tui.domain.model import Message, Sampling
from dpo_tui.errors import (
    AuthError,
    BusyError,
    ConnectError,
    ModelError,
    ProtocolError,
    SetupError,
    StallError,
)
from tests.backend.clients import HELLO, ask, collect, serving, text
from tests.servers import replies
from tests.servers.replies import Gate
from tests.servers.tls import Authority
from tests.servers.wire import MODEL, ChatServer


async def test_only_what_is_set_is_sent() -> None:
    async with serving(replies.completion("ok")) as (server, client):
        await collect(client, ask())
        assert server.requests[0].body == {
            "model": MODEL,
            "messages": [{"role": "user", "content": "Say hello."}],
            "stream": True,
            "stream_options": {"include_usage": True},
        }


async def test_everything_that_is_set_is_sent() -> None:
    sampling = Sampling(0.0, 0.9, 64, 0, ("\n\n",), {"min_p": 0.1, "stream": False, "n": 9})
    messages = (Message("system", "é\U0001f600"), *HELLO, Message("assistant", ""), *HELLO)
    async with serving(replies.completion("ok")) as (server, client):
        await collect(client, Ask(messages, sampling, n=3))
        assert server.requests[0].body == {
            "model": MODEL,
            "messages": [{"role": each.role, "content": each.content} for each in messages],
            "stream": True,
            "stream_options": {"include_usage": True},
            "n": 3,
            "temperature": 0.0,
            "top_p": 0.9,
            "max_tokens": 64,
            "seed": 0,
            "stop": ["\n\n"],
            "min_p": 0.1,
        }
        assert server.requests[0].headers["content-type"] == "application/json"
        assert server.requests[0].headers["accept-encoding"] == "identity"


async def test_connections_are_used_again() -> None:
    async with serving(replies.completion("ok")) as (server, client):
        for _ in range(5):
            await collect(client, ask(n=2))
        assert {request.connection for request in server.requests} == {1}


async def test_requests_run_side_by_side() -> None:
    gate = Gate()
    async with serving(replies.completion("ok", gate=gate)) as (server, client):
        tasks = [asyncio.create_task(collect(client, ask())) for _ in range(8)]
        await server.wait_for_requests(8)
        gate.open(8)
        assert [text(events) for events in await asyncio.gather(*tasks)] == ["ok"] * 8


async def test_closing_hangs_up_while_text_streams() -> None:
    gate = Gate()
    async with serving(replies.completion("a b c", gate=gate)) as (server, client):
        gate.open()
        stream = client.stream(ask())
        assert [await anext(stream), await anext(stream)] == [Admitted(), Delta(0, "a")]
        await stream.aclose()
        await server.requests[0].hung_up.wait()
        server.reply = replies.completion("ok")
        assert text(await collect(client, ask())) == "ok"


@pytest.mark.parametrize("headers_first", [True, False])
async def test_cancelling_hangs_up_at_any_moment(headers_first: bool) -> None:
    gate = Gate()
    held = replies.completion("a", gate=gate)
    reply = held if headers_first else replies.queued(gate, held)
    async with serving(reply) as (server, client):
        before = asyncio.all_tasks()
        task = asyncio.create_task(collect(client, ask()))
        await server.wait_for_requests(1)
        await gate.reached()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.requests[0].hung_up.wait()
        server.reply = replies.completion("ok")
        assert text(await collect(client, ask())) == "ok"
        gc.collect()
        assert len(client_tasks(before)) <= 1  # the server's own, for the second connection


def client_tasks(before: set[asyncio.Task[object]]) -> list[asyncio.Task[object]]:
    names = [task for task in asyncio.all_tasks() - before if "ChatServer" not in repr(task)]
    return [task for task in names if "StreamReaderProtocol" not in repr(task)]


async def test_many_cancelled_requests_leave_the_pool_usable() -> None:
    async with serving(replies.silence, max_connections=2) as (server, client):
        server.reply = replies.silence
        for _ in range(3):
            tasks = [asyncio.create_task(collect(client, ask())) for _ in range(6)]
            await server.wait_for_requests(1)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        server.script(*[replies.completion("ok")] * 4)
        results = await asyncio.gather(*(collect(client, ask()) for _ in range(4)))
        assert [text(events) for events in results] == ["ok"] * 4


async def test_a_server_that_dies_and_comes_back() -> None:
    async with serving(replies.completion("ok")) as (server, client):
        await collect(client, ask())
        await server.stop()
        with pytest.raises(ConnectError):
            await collect(client, ask())
        with pytest.raises(ConnectError):
            await client.probe()
        await server.restart()
        await client.probe()
        assert text(await collect(client, ask())) == "ok"


async def test_a_closed_client_can_be_closed_again() -> None:
    async with serving(replies.completion("ok")) as (_, client):
        await client.aclose()
        await collect(client, ask())
        await client.aclose()
        await client.aclose()


async def test_proxies_of_the_environment_are_not_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with serving(replies.completion("ok")) as (_, client):
        assert text(await collect(client, ask())) == "ok"
    far = HttpChatClient("http://example.invalid/v1", "m")
    with pytest.raises(ConnectError):
        await collect(far, ask())
    await far.aclose()


async def test_requests_to_other_machines_take_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ChatServer() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/v1"))
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        far = HttpChatClient("http://example.invalid/v1", "m")
        # The proxy of this test knows no such route: its answer shows that it was asked.
        with pytest.raises(ProtocolError, match="404: Not Found"):
            await collect(far, ask())
        await far.aclose()


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "ftp://x"])
async def test_a_proxy_that_cannot_be_used(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    far = HttpChatClient("http://example.invalid/v1", "m")
    with pytest.raises(SetupError, match="proxy") as caught:
        await collect(far, ask())
    assert "HTTP_PROXY" in caught.value.remedy


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("bare_environment")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTP_PROXY", "http://user:SECRETpw/x@127.0.0.1:3128"),
        ("https_proxy", "user:SECRETpw#x@127.0.0.1:3128"),
        ("ALL_PROXY", "http://user:SECRETpw@[::"),
        ("ALL_PROXY", "ftp://user:SECRETpw@x"),
        ("NO_PROXY", "[::"),
    ],
)
async def test_a_proxy_variable_that_holds_no_address_is_named_and_not_shown(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    far = HttpChatClient("http://example.invalid/v1", "m")
    for asking in (collect(far, ask()), far.probe()):
        with pytest.raises(SetupError, match="The proxy for") as caught:
            await asking
        told = "".join(format_exception(caught.value))
        assert name.upper() in caught.value.remedy
        assert "SECRET" not in told


@pytest.mark.usefixtures("bare_environment")
async def test_certificates_that_cannot_be_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "no certificate").write_text("root:x:0:0")
    far = HttpChatClient("https://example.invalid/v1", "m")
    for path in (tmp_path / "absent.pem", tmp_path / "no certificate", tmp_path):
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        for asking in (collect(far, ask()), far.probe()):
            with pytest.raises(SetupError, match="certificates") as caught:
                await asking
            assert "SSL_CERT_FILE" in caught.value.message
            assert "PEM" in caught.value.remedy


@pytest.mark.usefixtures("bare_environment")
@pytest.mark.parametrize(("status", "kind"), [(407, SetupError), (502, ConnectError)])
async def test_a_proxy_that_refuses_has_to_be_mended_and_one_that_fails_may_recover(
    status: int, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ChatServer() as proxy:
        proxy.any_reply = replies.plain(status, b"")
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.removesuffix("/v1"))
        far = HttpChatClient("https://example.invalid/v1", "m")
        with pytest.raises(kind, match=f"The proxy for .* fails: {status}"):
            await far.probe()


@pytest.mark.usefixtures("bare_environment")
async def test_a_proxy_is_named_where_nothing_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(ConnectError) as caught:
        await HttpChatClient("https://example.invalid/v1", "m").probe()
    assert "HTTPS_PROXY" in caught.value.remedy


@pytest.mark.usefixtures("bare_environment")
async def test_a_certificate_is_trusted_if_ssl_cert_file_names_who_signed_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    async with ChatServer(replies.completion("ok"), tls=authority.serve("127.0.0.1")) as server:
        client = HttpChatClient(server.url, MODEL)
        for asking in (collect(client, ask()), client.probe()):
            with pytest.raises(SetupError, match="is not trusted: unable to get local") as caught:
                await asking
            assert "SSL_CERT_FILE" in caught.value.remedy
        await client.aclose()
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.pem))
        client = HttpChatClient(server.url, MODEL)
        await client.probe()
        assert text(await collect(client, ask())) == "ok"
        await client.aclose()
    async with ChatServer(tls=authority.serve("other.example")) as server:
        with pytest.raises(SetupError, match=r"127\.0\.0\.1"):
            await HttpChatClient(server.url, MODEL).probe()


async def test_the_probe_is_content_with_a_good_server() -> None:
    async with serving() as (server, client):
        await client.probe()
        assert len(server.model_requests) == 1
        assert not server.requests


async def test_the_probe_says_what_is_wrong() -> None:
    async with serving() as (server, client):
        for reply, kind in (
            (replies.answer(401, {"error": "Unauthorized"}), AuthError),
            (replies.error(503, "Loading model"), BusyError),
            (replies.html(200, "Welcome"), ProtocolError),
            (replies.answer(200, {"data": 7}), ProtocolError),
            (replies.answer(200, [1]), ProtocolError),
            (replies.answer(200, {"error": "busy", "error_type": "overloaded"}), BusyError),
            (replies.answer(404, {"detail": "Not Found"}), ProtocolError),
            (replies.answer(200, {"data": [{"id": "other"}]}), ModelError),
            (replies.bytes_and_cut(b""), ConnectError),
        ):
            server.models_reply = reply
            with pytest.raises(kind):
                await client.probe()


async def test_the_probe_is_not_pedantic() -> None:
    async with serving() as (server, client):
        for entries in (
            [],
            [{"id": "some.gguf", "owned_by": "llamacpp"}],
            [{"id": "other", "aliases": [MODEL]}],
            [{"id": f"{MODEL}:latest"}],
            [{"id": "test-*"}],
            [7, {}, {"id": MODEL}],
        ):
            server.models_reply = replies.answer(200, {"object": "list", "data": entries})
            await client.probe()
        server.models_reply = replies.answer(200, {"data": None})  # Ollama without models
        await client.probe()


async def test_a_probe_that_gets_no_answer_does_not_wait_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dpo_tui.backend.models.PATIENCE", 0.05)
    async with serving() as (server, client):
        server.models_reply = replies.silence
        with pytest.raises(StallError, match="did not say"):
            await client.probe()


async def test_a_kept_connection_that_closes_as_it_is_used_again_costs_nothing() -> None:
    """llama.cpp does that now and then when the next request comes at once."""
    gone = replies.bytes_and_cut(b"")
    async with serving(replies.completion("a"), gone, replies.completion("b")) as (server, client):
        await collect(client, ask())
        assert text(await collect(client, ask())) == "b"
        assert len(server.requests) == 3


async def test_a_new_connection_that_closes_at_once_is_an_error() -> None:
    async with serving(replies.bytes_and_cut(b"")) as (server, client):
        with pytest.raises(ConnectError):
            await collect(client, ask())
        assert len(server.requests) == 1
