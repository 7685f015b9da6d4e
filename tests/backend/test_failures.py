"""What the person is told of what went wrong."""

from __future__ import annotations

import asyncio
import json
import socket
from email.utils import formatdate
from time import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpo_tui.backend.address import Address
from dpo_tui.backend.client import HttpChatClient
from dpo_tui.backend.failures import failure
from dpo_tui.backend.said import error_in, read_response
from dpo_tui.errors import (
    AuthError,
    BackendError,
    BusyError,
    ConnectError,
    ModelError,
    PromptError,
    ProtocolError,
    ServerError,
)
from dpo_tui.secret import Secret
from tests.backend.clients import ask, ask_once, collect, ends, serving
from tests.servers import replies
from tests.servers.replies import DONE, chunk, event
from tests.servers.wire import Reply

KEY = "sk-verySecret-0123456789"


async def refused(*script: Reply) -> BackendError:
    with pytest.raises(BackendError) as caught:
        await ask_once(ask(), *script)
    assert caught.value.message
    return caught.value


@pytest.mark.parametrize(
    ("reply", "kind", "words", "remedy"),
    [
        # llama.cpp
        (
            replies.error(401, "Invalid API Key"),
            AuthError,
            "401: Invalid API Key",
            "OPENAI_API_KEY",
        ),
        (replies.error(503, "Loading model"), BusyError, "Loading model", "Wait"),
        (
            replies.error(400, "the request exceeds", type="exceed_context_size_error"),
            PromptError,
            "the request exceeds",
            "Shorten",
        ),
        (replies.error(400, "model 'nope' not found"), ModelError, "'nope'", "--model"),
        (replies.error(500, "Missing 'role'"), ServerError, "500: Missing", "log"),
        (
            replies.error(
                500,
                "\n------------\nWhile executing CallExpression at line 1, column 96 in source:\n"
                "...{{ raise_exception('System role not suppor...\n         ^\n"
                "Error: Jinja Exception: System role not supported",
                type="server_error",
            ),
            PromptError,
            "500: System role not supported",
            "chat template",
        ),
        (
            replies.error(
                500, "Conversation roles must alternate at row 19, column 27:\n {%- if", code=500
            ),
            PromptError,
            "500: Conversation roles must alternate",
            "chat template",
        ),
        # vLLM
        (replies.answer(401, {"error": "Unauthorized"}), AuthError, "401: Unauthorized", "Put"),
        (
            replies.error(404, "The model `nope` does not exist.", type="NotFoundError"),
            ModelError,
            "does not exist",
            "--model",
        ),
        (replies.answer(404, {"detail": "Not Found"}), ProtocolError, "404: Not Found", "/v1"),
        (replies.answer(405, {"detail": "Method Not Allowed"}), ProtocolError, "405", "/v1"),
        (
            replies.error(400, "This model's maximum context length is 2048", param="input_tokens"),
            PromptError,
            "2048",
            "Shorten",
        ),
        (
            replies.answer(422, {"detail": [{"loc": ["body", "seed"], "msg": "not an integer"}]}),
            PromptError,
            "body.seed: not an integer",
            "Change or take out seed",
        ),
        # TGI, TensorRT-LLM, Ollama, LiteLLM, OpenAI, Gemini, gateways
        (
            replies.answer(429, {"error": "Model is overloaded", "error_type": "overloaded"}),
            BusyError,
            "overloaded",
            "",
        ),
        (
            replies.answer(400, {"object": "error", "message": "Extra inputs: min_p", "code": 400}),
            PromptError,
            "Extra inputs: min_p",
            "take out min_p",
        ),
        (replies.error(503, "server busy, please try again."), BusyError, "busy", ""),
        (replies.error(500, "dead upstream", type="x", param=None), ServerError, "dead", ""),
        (replies.plain(500, b"Internal Server Error"), ServerError, "Internal Server Error", ""),
        (
            replies.error(429, "no credit", type="insufficient_quota"),
            AuthError,
            "no credit",
            "empty",
        ),
        (replies.error(402, "Insufficient credits"), AuthError, "credits", "empty"),
        (replies.error(403, "Country not supported"), AuthError, "403", "OPENAI_API_KEY"),
        # OpenRouter's moderation; the page is a firewall's, which doesn't know of prompts
        (
            replies.error(403, "m requires moderation. Your input was flagged for harassment"),
            PromptError,
            "flagged",
            "filter",
        ),
        (replies.error(403, "Not now", type="content_filter"), PromptError, "Not now", "filter"),
        (replies.html(403, "Content filter"), AuthError, "403", "OPENAI_API_KEY"),
        (replies.error(400, "no such thing", code="model_not_found"), ModelError, "no such", ""),
        (replies.error(400, "content management policy"), PromptError, "policy", "filter"),
        (replies.answer(400, [{"error": {"message": "bad", "code": 400}}]), PromptError, "bad", ""),
        (replies.answer(400, "just text"), PromptError, "400: just text", ""),
        (replies.answer(400, {"error": {"code": 7}}), PromptError, '"code": 7', ""),
        (replies.answer(408, {}), BusyError, "408", ""),
        (replies.answer(409, {"message": "conflict"}), BusyError, "conflict", ""),
        (replies.html(502, "502 Bad Gateway"), ServerError, "'502 Bad Gateway'", ""),
        (replies.html(404, "Not here"), ProtocolError, "'Not here'", "/v1"),
        (replies.html(400, "plain HTTP to HTTPS port"), ProtocolError, "HTTPS port", ""),
        (replies.html(413, "413 Too Large"), PromptError, "413", "Shorten"),
        (replies.plain(413, b""), PromptError, "413", "Shorten"),
        (replies.plain(529, b"overloaded"), BusyError, "overloaded", ""),
        (replies.plain(418, b"teapot"), ProtocolError, "teapot", ""),
        (
            replies.plain(302, b"", {"Location": "https://example.org/login"}),
            ProtocolError,
            "https://example.org/login",
            "base URL",
        ),
        (replies.plain(500, b"\xff\xfe\n\n  odd\x00 bytes"), ServerError, "odd\0 bytes", ""),
        (replies.plain(400, b"[" * 50_000), PromptError, "400: [[", ""),
    ],
)
async def test_refusals(reply: Reply, kind: type[BackendError], words: str, remedy: str) -> None:
    async with serving(reply) as (server, client):
        with pytest.raises(BackendError) as caught:
            await collect(client, ask(seed=1, max_tokens=5, extra={"min_p": 0.1}))
        error = caught.value
        assert type(error) is kind
        assert words in error.message
        assert remedy in error.remedy
        assert server.url in error.message
        assert "\n" not in error.message
        assert len(error.message) < 600
        assert len(server.requests) == 1


async def test_retry_after() -> None:
    for headers, seconds in (
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"Retry-After": "-3"}, 0.0),
        ({"retry-after-ms": "1500", "Retry-After": "2"}, 1.5),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ):
        error = await refused(replies.error(429, "slow down", headers))
        assert isinstance(error, BusyError)
        assert error.retry_after == seconds
    error = await refused(
        replies.error(429, "slow", {"Retry-After": formatdate(time() + 3600, usegmt=True)})
    )
    assert isinstance(error, BusyError)
    assert error.retry_after is not None
    assert 3000 < error.retry_after <= 3600


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        ({"error": {"message": "engine died", "code": 500}}, ServerError),
        ({"error": {"message": "queue is full", "code": 503}}, BusyError),
        ({"error": {"message": "slow down", "code": "429"}}, BusyError),
        ({"error": {"message": "too long", "code": 400}}, PromptError),
        ({"error": "Model is overloaded", "error_type": "overloaded"}, BusyError),
        ({"error": {"message": "odd", "code": "x", "type": "server_error"}}, ServerError),
        ({"object": "error", "message": "flat", "code": 500}, ServerError),
        (
            {"error": {"message": "m", "code": 502}, "choices": [{"finish_reason": "error"}]},
            ServerError,
        ),
    ],
)
async def test_errors_inside_a_stream(payload: dict[str, object], kind: type[BackendError]) -> None:
    for blocks in ([], [chunk(0, "half of")]):
        error = await refused(replies.events(*blocks, event(payload), DONE))
        assert type(error) is kind
    assert type(await refused(replies.answer(200, payload))) is kind


@pytest.mark.parametrize(
    ("fields", "kind", "remedy"),
    [
        ({"message": "too long", "type": "exceed_context_size_error"}, PromptError, "Shorten"),
        ({"message": "m", "type": "invalid_request_error", "code": None}, PromptError, "Change"),
        ({"message": "bad min_p", "code": 400}, PromptError, "Change or take out min_p"),
        ({"message": "flagged by moderation", "code": "400"}, PromptError, "filter"),
        ({"message": "flagged by moderation", "code": 403}, PromptError, "filter"),
        ({"message": "model 'x' not found", "code": 404}, ModelError, "--model"),
        ({"message": "slow down", "type": "rate_limit_error"}, BusyError, "Wait"),
        ({"message": "m", "type": "authentication_error"}, AuthError, "OPENAI_API_KEY"),
    ],
)
async def test_an_error_in_a_stream_has_the_remedy_that_it_has_as_a_status(
    fields: dict[str, object], kind: type[BackendError], remedy: str
) -> None:
    payload = {"error": fields}
    for reply in (
        replies.events(event(payload), DONE),
        replies.events(chunk(0, role="assistant"), event(payload), DONE),
        replies.events(chunk(0, "half of"), event(payload), DONE),
        replies.answer(200, payload),
    ):
        with pytest.raises(BackendError) as caught:
            await ask_once(ask(extra={"min_p": 0.1}), reply)
        assert type(caught.value) is kind
        assert remedy in caught.value.remedy


def in_a_stream(reply: str, **fields: object) -> Reply:
    payload = {"error": {"message": reply, "type": "invalid_request_error", **fields}}
    return replies.events(chunk(0, role="assistant"), event(payload), DONE)


async def test_a_refusal_in_a_stream_teaches_what_it_teaches_as_a_status() -> None:
    async with serving(
        in_a_stream("no stream_options please"),
        in_a_stream("use max_completion_tokens"),
        in_a_stream("Field 'n': Value must be between 1 <= value <= 2, but got 3"),
        replies.completion("a", "b"),
    ) as (server, client):
        assert ends(await collect(client, ask(n=3, max_tokens=5))).keys() == {0, 1}
        last = server.requests[-1].body
        assert (last["n"], last["max_completion_tokens"]) == (2, 5)
        assert "stream_options" not in last
        assert len(server.requests) == 4


async def test_a_refusal_behind_text_is_not_answered_with_another_request() -> None:
    late = {"error": {"message": "use max_completion_tokens", "code": 400}}
    async with serving(replies.events(chunk(0, "half of"), event(late))) as (server, client):
        with pytest.raises(PromptError):
            await collect(client, ask(max_tokens=5))
        assert len(server.requests) == 1


async def test_an_error_spares_what_had_finished() -> None:
    blocks = [chunk(0, "all", finish="stop"), chunk(1, "half"), event({"error": "died"}), DONE]
    async with serving(replies.events(*blocks)) as (_, client):
        stream = client.stream(ask(n=2))
        events = [await anext(stream) for _ in range(4)]
        assert ends(events).keys() == {0}
        with pytest.raises(ServerError):
            await anext(stream)


async def test_a_field_that_is_optional_to_us_is_left_out_if_refused() -> None:
    refusal = replies.error(400, "stream_options is not supported", type="invalid_request_error")
    async with serving(refusal, replies.completion("ok")) as (server, client):
        await collect(client, ask())
        await collect(client, ask())
        sent = ["stream_options" in request.body for request in server.requests]
        assert sent == [True, False, False]


async def test_max_completion_tokens_where_the_server_wants_it() -> None:
    words = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
    refusal = replies.error(400, words, param="max_tokens")
    async with serving(refusal, replies.completion("ok")) as (server, client):
        await collect(client, ask(max_tokens=9))
        await collect(client, ask(max_tokens=9))
        bodies = [request.body for request in server.requests]
        assert [body.get("max_tokens") for body in bodies] == [9, None, None]
        assert [body.get("max_completion_tokens") for body in bodies] == [None, 9, 9]


async def test_several_refusals_in_a_row_are_all_answered() -> None:
    async with serving(
        replies.error(400, "no stream_options please"),
        replies.error(400, "use max_completion_tokens"),
        replies.at_most(2, replies.silence),
        replies.completion("a", "b"),
    ) as (server, client):
        assert ends(await collect(client, ask(n=3, max_tokens=5))).keys() == {0, 1}
        assert len(server.requests) == 4


async def test_a_server_that_refuses_whatever_is_changed_is_not_asked_for_ever() -> None:
    words = "stream_options, max_completion_tokens and 'n' are bad"
    async with serving(replies.error(400, words)) as (server, client):
        server.reply = replies.error(400, words)
        with pytest.raises(PromptError):
            await collect(client, ask(n=4, max_tokens=5))
        assert len(server.requests) <= 4


async def test_nothing_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        client = HttpChatClient(f"http://127.0.0.1:{taken.getsockname()[1]}/v1", "m")
        with pytest.raises(ConnectError, match=r"Nothing answers at .*: .*refused"):
            await collect(client, ask())
        with pytest.raises(ConnectError, match="refused"):
            await client.probe()
        await client.aclose()


async def test_no_such_host() -> None:
    client = HttpChatClient("http://nowhere.invalid/v1", "m")
    with pytest.raises(ConnectError, match=r"Nothing answers at http://nowhere\.invalid/v1"):
        await collect(client, ask())
    await client.aclose()


async def test_no_http_and_hang_ups() -> None:
    with pytest.raises(ConnectError, match="hung up before it answered"):
        await ask_once(ask(), replies.bytes_and_cut(b""))
    with pytest.raises(ProtocolError, match="doesn't speak HTTP"):
        await ask_once(ask(), replies.bytes_and_cut(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"))
    with pytest.raises(ConnectError, match="hung up before it answered"):
        await ask_once(ask(), replies.bytes_and_cut(b"HTTP/1.1 200 OK\r\nContent-Ty"))
    head = b"HTTP/1.1 500 Oh\r\nContent-Length: 99\r\n\r\n"
    with pytest.raises(ServerError, match="500: half a b"):
        await ask_once(ask(), replies.bytes_and_cut(head + b"half a b"))


async def test_tls_where_there_is_none() -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        client = HttpChatClient(f"https://127.0.0.1:{port}/v1", "m")
        with pytest.raises(ConnectError) as caught:
            await collect(client, ask())
        assert "http://" in caught.value.remedy
        await client.aclose()


async def test_settings_that_are_no_json() -> None:
    for value in (float("nan"), object(), {1, 2}):
        with pytest.raises(PromptError, match="can't be written as JSON"):
            await ask_once(ask(extra={"min_p": value}), replies.silence)


async def test_the_key_is_sent_and_never_told() -> None:
    refusals: list[Reply] = [
        replies.error(401, f"Incorrect API key provided: {KEY}."),
        replies.plain(500, f"{'x' * 390}Bearer {KEY}".encode()),
        replies.html(404, f"Bearer {KEY}"),
        replies.plain(302, b"", {"Location": f"http://x/?key={KEY}"}),
        replies.events(event({"error": f"key {KEY}"})),
        replies.events(f"data: {KEY}\n\n".encode()),
        replies.html(200, KEY),
        replies.bytes_and_cut(f"HTTP/{KEY}\r\n\r\n".encode()),
    ]
    async with serving(*refusals, key=Secret(f" {KEY}\n"), key_name="MY_KEY") as (server, client):
        for _ in refusals:
            with pytest.raises(BackendError) as caught:
                await collect(client, ask())
            assert KEY[:8] not in str(caught.value)
        assert {request.headers["authorization"] for request in server.requests} == {
            f"Bearer {KEY}"
        }
        server.models_reply = replies.plain(200, KEY.encode())
        with pytest.raises(BackendError) as caught:
            await client.probe()
        assert KEY[:8] not in str(caught.value)


async def test_the_remedy_names_the_variable_of_the_key() -> None:
    reply = replies.answer(401, {"error": "Unauthorized"})
    for key in (None, Secret(KEY)):
        with pytest.raises(AuthError) as caught:
            await ask_once(ask(), reply, key=key, key_name="MY_KEY")
        assert "MY_KEY" in caught.value.remedy


@pytest.mark.parametrize("key", ["sk-with\nnewline", "sk-ключ-very-secret", "sk with blank"])
async def test_a_key_that_no_header_can_hold(key: str) -> None:
    with pytest.raises(AuthError, match="MY_KEY holds characters") as caught:
        await ask_once(ask(), replies.silence, key=Secret(key), key_name="MY_KEY")
    assert key[:4] not in str(caught.value)


async def test_no_header_without_a_key() -> None:
    for key in (None, Secret(""), Secret(" \n")):
        async with serving(replies.completion("ok"), key=key) as (server, client):
            await collect(client, ask())
            assert "authorization" not in server.requests[0].headers


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "message", "detail", "code", "type", "param", "msg", "loc"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(
    status=st.integers(300, 599),
    body=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()),
    retry_after=st.text(max_size=10),
)
def test_any_refusal_is_told(status: int, body: bytes, retry_after: str) -> None:
    said = read_response(status, {"retry-after": retry_after}, body)
    error = failure(said, Address("http://h/v1"), frozenset({"seed"}))
    assert str(status) in error.message
    assert "\n" not in error.message


@given(payload=st.dictionaries(st.sampled_from(["error", "object", "code", "message"]), JSON))
def test_any_error_in_a_stream_is_told(payload: dict[str, object]) -> None:
    said = error_in(payload)
    assert said is None or failure(said, Address("http://h/v1")).message
    assert said is not None or not payload.get("error")


async def test_errors_do_not_spoil_the_connection() -> None:
    script = [replies.error(500, "oh"), replies.error(429, "slow"), replies.completion("ok")]
    async with serving(*script) as (server, client):
        for _ in range(2):
            with pytest.raises(BackendError):
                await collect(client, ask())
        await collect(client, ask())
        assert {request.connection for request in server.requests} == {1}
        await asyncio.wait_for(server.requests[-1].answered.wait(), 5)
