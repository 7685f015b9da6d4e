"""What doctor finds out about servers of all kinds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from dpo_tui.backend.diagnosis import Check, ChoiceCount, Diagnosis, SeedUse, Wire
from dpo_tui.backend.discovery import Candidate
from dpo_tui.backend.doctor import Patient, diagnose, found_patients
from dpo_tui.backend.embedded import CONTEXT, SLOTS, EmbeddedServer, find_model_file
from dpo_tui.errors import InputError
from dpo_tui.secret import Secret
from tests.servers import replies
from tests.servers.personas import talking, told
from tests.servers.wire import MODEL, ChatServer, Exchange, Reply

TEXT = "one two three four five"
GOOD = replies.completion(TEXT)


async def look_at(
    reply: Reply | None,
    *,
    models: Reply | None = None,
    routes: Mapping[str, Reply] | None = None,
    **patient: Any,
) -> tuple[Diagnosis, ChatServer, list[str]]:
    """The diagnosis of a server that gives this reply to every chat request."""
    said: list[str] = []
    async with ChatServer(reply) as server:
        if models:
            server.models_reply = models
        server.other_replies.update(routes or {})
        diagnosis = await diagnose(changed(Patient(server.url), **patient), said.append)
    return diagnosis, server, said


def refusing(field: str, then: Reply) -> Reply:
    """Refuses what has this field."""

    async def reply(exchange: Exchange) -> None:
        if field in exchange.request.body:
            await replies.error(400, f"{field} is not supported", param=field)(exchange)
        else:
            await then(exchange)

    return reply


async def test_a_good_server() -> None:
    diagnosis, server, said = await look_at(talking(told, 0, slots=4), concurrency=6)
    assert diagnosis.is_usable
    assert diagnosis.models == (MODEL,)
    assert diagnosis.model == MODEL
    assert diagnosis.wire == Wire(streams=True, usage=True, reasoning="")
    assert diagnosis.choices == ChoiceCount(asked=6, given=4)
    assert diagnosis.seed is SeedUse.HONOURED
    assert diagnosis.first_token_seconds is not None
    assert diagnosis.one_stream is not None
    assert diagnosis.one_stream.tokens_per_second > 0
    assert diagnosis.streams is not None
    assert (diagnosis.streams.streams, diagnosis.streams.answered) == (6, 6)
    assert diagnosis.failures == {}
    assert "measuring 6 streams" in said[-1]
    assert max(each.body["max_tokens"] for each in server.requests) <= 64


async def test_n_that_is_honoured_ignored_or_refused() -> None:
    for reply, number in (
        (GOOD, 8),
        (replies.completion(TEXT, ignores_n=True), 1),
        (replies.at_most(3, GOOD), 3),
        (refusing("n", GOOD), 1),
    ):
        diagnosis, _, _ = await look_at(reply)
        assert diagnosis.choices == ChoiceCount(8, number)


async def test_a_server_that_does_not_stream() -> None:
    diagnosis, _, _ = await look_at(replies.whole(TEXT))
    assert diagnosis.wire == Wire(streams=False, usage=True, reasoning="")
    assert diagnosis.streams is not None
    diagnosis, _, _ = await look_at(
        replies.events(replies.chunk(0, TEXT), replies.chunk(0, finish="stop"), replies.DONE)
    )
    assert diagnosis.wire == Wire(streams=False, usage=False, reasoning="")


@pytest.mark.parametrize(
    ("delta", "reasoning"),
    [
        ({"reasoning_content": "hm"}, "reasoning_content"),
        ({"reasoning": "hm"}, "reasoning"),
        ({"content": "<think>hm"}, "<think>"),
        ({"content": "hm", "reasoning": None}, ""),
    ],
)
async def test_where_reasoning_stands(delta: dict[str, Any], reasoning: str) -> None:
    end = (replies.chunk(0, "a"), replies.chunk(0, finish="stop"), replies.DONE)
    diagnosis, _, _ = await look_at(replies.events(replies.chunk(0, **delta), *end))
    assert diagnosis.wire == Wire(streams=True, usage=False, reasoning=reasoning)


async def test_seeds_that_do_nothing() -> None:
    counter = iter(range(1000))

    async def unstable(exchange: Exchange) -> None:
        await replies.completion(f"{next(counter)} {TEXT}")(exchange)

    assert (await look_at(GOOD))[0].seed is SeedUse.IGNORED
    assert (await look_at(unstable))[0].seed is SeedUse.UNSTABLE


async def test_what_fails_does_not_stop_the_rest() -> None:
    diagnosis, _, _ = await look_at(refusing("seed", GOOD))
    assert diagnosis.is_usable
    assert list(diagnosis.failures) == [Check.SEED]
    assert "seed is not supported" in diagnosis.failures[Check.SEED]
    assert diagnosis.streams is not None


async def test_other_forms_of_a_request_are_tried() -> None:
    only = refusing("stream_options", GOOD)
    diagnosis, _, _ = await look_at(only)
    assert diagnosis.wire is not None
    assert diagnosis.failures == {}


def listing(owner: str, **fields: object) -> Reply:
    return replies.answer(200, {"data": [{"id": "m", "owned_by": owner, **fields}]})


@pytest.mark.parametrize(
    ("models", "routes", "server", "context", "slots"),
    [
        (
            listing("vllm", max_model_len=4096),
            {"/version": replies.answer(200, {"version": "0.32.0"})},
            "vLLM 0.32.0",
            4096,
            None,
        ),
        (
            listing("llamacpp", meta={"n_ctx": 512}),
            {
                "/props": replies.answer(
                    200,
                    {
                        "build_info": "b11549",
                        "total_slots": 4,
                        "default_generation_settings": {"n_ctx": 2048},
                    },
                )
            },
            "llama.cpp b11549",
            2048,
            4,
        ),
        (listing("llamacpp", meta={"n_ctx": 512}), {}, "llama.cpp", 512, None),
        (
            listing("library"),
            {"/api/version": replies.answer(200, {"version": "0.9"})},
            "Ollama 0.9",
            None,
            None,
        ),
        (
            listing("me", max_model_len="long", meta=3),
            {
                "/version": replies.answer(200, ["1"]),
                "/props": replies.plain(200, b"<html>"),
                "/api/version": replies.bytes_and_cut(b"nonsense"),
            },
            "",
            None,
            None,
        ),
    ],
)
async def test_which_server_it_is(
    models: Reply,
    routes: Mapping[str, Reply],
    server: str,
    context: int | None,
    slots: int | None,
) -> None:
    diagnosis, _, _ = await look_at(GOOD, models=models, routes=routes)
    assert (diagnosis.server, diagnosis.context, diagnosis.slots) == (server, context, slots)


async def test_of_several_models_none_is_tried() -> None:
    several = replies.answer(200, {"data": [{"id": "a"}, {"id": "b"}]})
    diagnosis, server, _ = await look_at(None, models=several)
    assert diagnosis.models == ("a", "b")
    assert not diagnosis.is_usable
    assert "several models" in diagnosis.problem
    assert "--model a" in diagnosis.remedy
    assert server.requests == []
    diagnosis, _, _ = await look_at(GOOD, models=several, model="b")
    assert diagnosis.is_usable
    assert diagnosis.model == "b"


@pytest.mark.parametrize(
    ("models", "problem"),
    [
        (replies.answer(401, {"error": "Unauthorized"}), "answers 401"),
        (replies.error(503, "Loading model"), "Loading model"),
        (replies.html(200, "Welcome to nginx"), "no OpenAI-compatible server"),
        (replies.bytes_and_cut(b""), "hung up"),
        (listing("vllm"), "doesn't have the model 'x'"),
    ],
)
async def test_what_cannot_be_used_says_why(models: Reply, problem: str) -> None:
    diagnosis, server, _ = await look_at(None, models=models, model="x")
    assert problem in diagnosis.problem
    assert diagnosis.remedy
    assert server.requests == []


@pytest.mark.parametrize(
    "reply",
    [
        replies.error(400, "no"),
        replies.error(401, "no"),
        replies.error(429, "slow down"),
        replies.error(500, "CUDA out of memory"),
        replies.html(502, "502 Bad Gateway"),
        replies.html(200, "Some web application"),
        replies.bytes_and_cut(b""),
        replies.bytes_and_cut(b"SSH-2.0\r\n\r\n"),
        replies.events(replies.event({"error": {"message": "engine died", "code": 500}})),
        replies.events(b"data: [1]\n\n"),
        replies.answer(200, {"choices": 3}),
    ],
)
async def test_a_server_that_gives_no_completion(reply: Reply) -> None:
    diagnosis, _, _ = await look_at(reply)
    assert not diagnosis.is_usable
    assert diagnosis.problem == diagnosis.failures[Check.STREAM]


async def test_a_server_that_says_nothing_is_left_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dpo_tui.backend.doctor._FIRST_SECONDS", 0.05)
    diagnosis, server, _ = await look_at(replies.silence)
    assert "sent no text within 0.05 s" in diagnosis.problem
    assert len(server.requests) == 1


async def test_what_takes_too_long_is_measured_by_what_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dpo_tui.backend.doctor._STEP_SECONDS", 0.3)
    monkeypatch.setattr("dpo_tui.backend.doctor._SEED_SECONDS", 0.3)
    good = (replies.chunk(0, "a"), replies.chunk(0, "b"))

    async def hanging(exchange: Exchange) -> None:
        if exchange.request.body["messages"][0]["content"].startswith("Count"):
            await replies.events(*good, replies.chunk(0, finish="stop"), replies.DONE)(exchange)
        else:
            await replies.events(*good, ends=False)(exchange)

    diagnosis, _, _ = await look_at(hanging, concurrency=3)
    assert "too slow to tell" in diagnosis.failures[Check.SEED]
    assert diagnosis.one_stream is not None
    assert diagnosis.streams is not None
    assert diagnosis.streams.answered == 3


async def test_streams_that_have_to_wait_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dpo_tui.backend.doctor._STEP_SECONDS", 0.3)
    in_flight = 0

    async def two_at_a_time(exchange: Exchange) -> None:
        nonlocal in_flight
        in_flight += 1
        try:
            if in_flight > 2:
                await replies.silence(exchange)
            elif exchange.request.body["max_tokens"] == 64:
                await replies.events(replies.chunk(0, "a"), ends=False)(exchange)
            else:
                await GOOD(exchange)
        finally:
            in_flight -= 1

    diagnosis, _, _ = await look_at(two_at_a_time, concurrency=5)
    assert diagnosis.streams is not None
    assert (diagnosis.streams.streams, diagnosis.streams.answered) == (5, 2)


REPLIES = st.sampled_from(
    [
        GOOD,
        replies.whole(TEXT),
        replies.completion(TEXT, finish=None, ignores_n=True),
        replies.completion("", finish="stop"),
        replies.events(replies.chunk(0, "a"), cut=True),
        replies.chopped(replies.chunk(0, "\ud83d\ude00"), replies.DONE, size=3),
        replies.error(429, "slow down", {"Retry-After": "100"}),
        replies.error(400, "n must be 1", param="n"),
        replies.error(500, "died"),
        replies.html(502, "502"),
        replies.plain(200, b"\xff"),
        replies.bytes_and_cut(b""),
        replies.events(replies.event({"error": "engine died"}), replies.DONE),
        replies.events(replies.event({"choices": [{"delta": {"content": None}}]})),
    ]
)


@settings(max_examples=25)
@given(st.lists(REPLIES, min_size=1, max_size=12))
def test_any_server_has_a_diagnosis(script: list[Reply]) -> None:
    async def diagnosed() -> Diagnosis:
        async with ChatServer(script[-1]) as server:
            server.script(*script)
            return await diagnose(Patient(server.url, concurrency=2), lambda _: None)

    diagnosis = asyncio.run(diagnosed())
    assert diagnosis.is_usable == (not diagnosis.problem)
    for check, part in (
        (Check.STREAM, diagnosis.wire),
        (Check.CHOICES, diagnosis.choices),
        (Check.SEED, diagnosis.seed),
        (Check.ONE_STREAM, diagnosis.one_stream),
        (Check.STREAMS, diagnosis.streams),
    ):
        assert part is not None or check in diagnosis.failures or diagnosis.problem


async def test_no_base_url_is_an_input_error() -> None:
    with pytest.raises(InputError):
        await diagnose(Patient("http://"), lambda _: None)


async def test_what_runs_here_gets_no_key_and_says_so_if_it_wants_one() -> None:
    async with ChatServer(GOOD) as open_one, ChatServer(GOOD) as locked:
        locked.models_reply = replies.answer(401, {"error": "Unauthorized"})
        candidates = [Candidate(open_one.url, "vLLM"), Candidate(locked.url, "SGLang")]
        patient, diagnosis = await found_patients("m", 3, candidates)
    assert patient == Patient(open_one.url, "m", concurrency=3, guess="vLLM")
    assert isinstance(diagnosis, Diagnosis)
    assert "wants a key" in diagnosis.problem
    assert f"--base-url {locked.url}" in diagnosis.remedy


async def test_who_is_named_gets_the_key() -> None:
    diagnosis, server, _ = await look_at(GOOD, key=Secret("sk-0123456789"), key_name="MY_KEY")
    assert diagnosis.key_name == "MY_KEY"
    assert {each.headers["authorization"] for each in server.requests} == {"Bearer sk-0123456789"}


async def test_llama_cpp_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    for patience in ("_FIRST_SECONDS", "_STEP_SECONDS", "_SEED_SECONDS"):
        monkeypatch.setattr(f"dpo_tui.backend.doctor.{patience}", 60.0)
    embedded = EmbeddedServer(find_model_file(None))
    try:
        base_url = await embedded.start(lambda _: None)
        patient = Patient(base_url.removesuffix("/v1"), key=embedded.key, concurrency=SLOTS + 1)
        diagnosis = await diagnose(patient, lambda _: None)
    finally:
        embedded.stop()
    assert diagnosis.problem == ""
    assert diagnosis.server.startswith("llama.cpp")
    assert diagnosis.model == embedded.model
    assert (diagnosis.context, diagnosis.slots) == (CONTEXT, SLOTS)
    assert diagnosis.wire == Wire(streams=True, usage=True, reasoning="")
    assert diagnosis.choices == ChoiceCount(SLOTS + 1, SLOTS)
    assert diagnosis.seed is SeedUse.HONOURED
    assert diagnosis.one_stream is not None
    assert diagnosis.streams is not None
