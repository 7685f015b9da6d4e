"""What the client makes of the streams that real servers send."""

from __future__ import annotations

import asyncio
import json

import pytest

from dpo_tui.backend.stream import Timeouts
from dpo_tui.domain.chat import Admitted, Delta, Ended
from dpo_tui.errors import ConnectError, ProtocolError, ServerError, StallError
from tests.backend.clients import ask, ask_once, collect, ends, reasoning, serving, text
from tests.servers import replies
from tests.servers.replies import DONE, Gate, chunk, event, usage
from tests.servers.wire import Exchange, Reply


async def test_a_good_stream() -> None:
    events = await ask_once(ask(), replies.completion("hello my friend"))
    assert events == [
        Admitted(),
        Delta(0, "hello"),
        Delta(0, " my"),
        Delta(0, " friend"),
        Ended(0, "stop", whole=True, prompt_tokens=7, completion_tokens=3),
    ]


async def test_choices_interleaved_in_any_order_are_told_apart() -> None:
    reply = replies.events(
        chunk(1, role="assistant"),
        chunk(1, "b1"),
        chunk(0, "a1"),
        chunk(1, "b2", finish="stop"),
        chunk(0, "a2"),
        chunk(0, finish="length"),
        DONE,
    )
    events = await ask_once(ask(n=2), reply)
    assert (text(events, 0), text(events, 1)) == ("a1a2", "b1b2")
    assert {index: end.finish_reason for index, end in ends(events).items()} == {
        0: "length",
        1: "stop",
    }


@pytest.mark.parametrize(
    ("used", "tokens"),
    [
        pytest.param(12, [8, 4], id="all choices, several tokens a delta"),
        pytest.param(6, [4, 2], id="all choices"),
        pytest.param(4, [4, 2], id="one choice"),
        pytest.param(None, [4, 2], id="not told"),
    ],
)
async def test_tokens_of_several_choices(used: int | None, tokens: list[int]) -> None:
    blocks = [chunk(0, "a"), chunk(1, "b")] * 2 + [chunk(0, "a")] * 2
    finishes = [chunk(0, finish="stop"), chunk(1, finish="stop")]
    counts = [] if used is None else [usage(5, used)]
    events = await ask_once(ask(n=2), replies.events(*blocks, *finishes, *counts, DONE))
    assert [end.completion_tokens for _, end in sorted(ends(events).items())] == tokens


async def test_tokens_of_the_only_choice_of_a_server_that_ignores_n() -> None:
    blocks = [*[chunk(0, "a")] * 9, chunk(0, finish="stop"), usage(5, 20), DONE]
    events = await ask_once(ask(n=2), replies.events(*blocks))
    assert ends(events)[0].completion_tokens == 20


async def test_text_after_the_finish_reason_is_taken() -> None:
    # LiteLLM in front of vLLM with n=2: choice 1 has no finish_reason, usage comes with a choice.
    reply = replies.events(
        chunk(0, "a1"),
        chunk(1, "b1"),
        chunk(0, finish="stop"),
        chunk(0, "a2"),
        event({"choices": [{"index": 0, "delta": {}}], "usage": {"prompt_tokens": 5}}),
        DONE,
    )
    events = await ask_once(ask(n=2), reply)
    assert (text(events, 0), text(events, 1)) == ("a1a2", "b1")
    assert ends(events) == {
        0: Ended(0, "stop", whole=True, prompt_tokens=5, completion_tokens=2),
        1: Ended(1, None, whole=True, prompt_tokens=5, completion_tokens=None),
    }


async def test_a_choice_ends_long_before_the_others_do() -> None:
    gate = Gate()
    blocks = [chunk(0, "short", finish="stop"), *[chunk(1, "x")] * 40, DONE]
    async with serving(replies.events(*blocks, gate=gate)) as (_, client):
        gate.open(36)
        stream = client.stream(ask(n=2))
        async for each in stream:
            if isinstance(each, Ended):
                assert each.choice == 0
                break
        await stream.aclose()


@pytest.mark.parametrize(
    "blocks",
    [
        [chunk(0, "all", finish="stop"), DONE],
        [chunk(0, "all"), chunk(0, finish="stop"), DONE],
        [chunk(0, "all"), chunk(0, finish="stop")],
        [chunk(0, "all", finish="stop"), event({"choices": []}), DONE],
        [chunk(0, "all"), chunk(0, "", finish="stop"), event({"choices": None}), DONE],
        [chunk(0, role="assistant"), chunk(0, "all", reasoning=None), chunk(0, finish="stop")],
        [event({"choices": [{"delta": {"content": "all"}, "finish_reason": "stop"}]}), DONE],
        [event({"choices": [{"index": None, "delta": {"content": "all"}}], "error": None}), DONE],
        [b": ping\n\n", chunk(0, "all"), b":\n\n", b"\n\n", chunk(0, finish="stop"), DONE],
        [b"retry: 10\nid: 7\n\n", chunk(0, "all", finish="stop"), b"event: x\n\n", DONE],
        [event({"prompt_progress": {"total": 3}}), chunk(0, "all", finish="stop"), DONE],
        [chunk(0, "all", finish="stop"), chunk(3, "beyond n"), chunk(-1, "odd"), DONE],
        [chunk(0, "all", finish="stop"), b"data: [DONE]\n\ndata: more\n\n"],
    ],
)
async def test_every_way_to_end_well(blocks: list[bytes]) -> None:
    events = await ask_once(ask(), replies.events(*blocks))
    assert text(events) == "all"
    (end,) = ends(events).values()
    assert end.whole


async def test_separators_of_every_kind() -> None:
    data = (chunk(0, "a\u2028b\x85c") + chunk(0, "d", finish="stop") + DONE).replace(b"\n", b"\r\n")
    data = b"\xef\xbb\xbf" + data.replace(b"data: ", b"data:")
    events = await ask_once(ask(), replies.chopped(data))
    assert text(events) == "a\u2028b\x85cd"


async def test_characters_cut_between_tcp_segments() -> None:
    content = "naïve 日本語 👩‍👩‍👧‍👦 ünï"
    raw = json.dumps({"choices": [{"delta": {"content": content}}]}, ensure_ascii=False).encode()
    for size in (1, 2, 3, 7):
        reply = replies.chopped(b"data: " + raw + b"\n\n", DONE, size=size)
        assert text(await ask_once(ask(), reply)) == content


async def test_lone_surrogates_are_kept() -> None:
    data = rb'data: {"choices":[{"delta":{"content":"x\ud83d y \ud83d\ude00"}}]}' + b"\n\n"
    assert text(await ask_once(ask(), replies.events(data, DONE))) == "x\ud83d y 😀"


async def test_lone_surrogates_can_be_sent() -> None:
    async with serving(replies.completion("ok")) as (server, client):
        await collect(client, ask(stop=("\udc00",)))
        assert server.requests[0].body["stop"] == ["\udc00"]


async def test_a_stream_without_its_end_is_not_whole() -> None:
    for cut in (False, True):
        events = await ask_once(ask(), replies.events(chunk(0, "half of"), cut=cut))
        assert text(events) == "half of"
        assert ends(events) == {0: Ended(0, None, whole=False)}


async def test_a_cut_spares_the_choice_that_had_finished() -> None:
    blocks = [chunk(0, "all", finish="stop"), chunk(1, "half of")]
    events = await ask_once(ask(n=2), replies.events(*blocks, cut=True))
    assert {index: end.whole for index, end in ends(events).items()} == {0: True, 1: False}


async def test_a_cut_inside_an_event_drops_that_event() -> None:
    reply = replies.events(chunk(0, "half of"), chunk(0, " it")[:-9], cut=True)
    events = await ask_once(ask(), reply)
    assert text(events) == "half of"
    assert not ends(events)[0].whole


async def test_a_cut_before_anything_has_begun_is_an_error() -> None:
    with pytest.raises(ServerError, match="hung up before the first token"):
        await ask_once(ask(), replies.events(b": ping\n\n", cut=True))


@pytest.mark.parametrize("blocks", [[DONE], [], [usage(3, 0), DONE], [b": ping\n\n"]])
async def test_a_stream_without_any_choice_is_an_error(blocks: list[bytes]) -> None:
    with pytest.raises(ServerError, match="without a completion"):
        await ask_once(ask(), replies.events(*blocks))


async def test_an_empty_completion_ends_like_any_other() -> None:
    reply = replies.events(chunk(0, role="assistant"), chunk(0, finish="stop"), DONE)
    assert await ask_once(ask(), reply) == [Admitted(), Ended(0, "stop")]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
async def test_reasoning_that_the_server_keeps_apart(field: str) -> None:
    blocks = [
        chunk(0, role="assistant", **{field: ""}),
        chunk(0, **{field: "hmm "}, content=None),
        chunk(0, **{field: "so"}),
        chunk(0, "<think> is a tag\n</think>"),
        chunk(0, finish="stop"),
        DONE,
    ]
    events = await ask_once(ask(), replies.events(*blocks))
    assert reasoning(events) == "hmm so"
    assert text(events) == "<think> is a tag\n</think>"


async def test_reasoning_in_the_text() -> None:
    parts = ["\n<th", "ink>", "hm", "m</", "think", ">\n\nAns", "wer"]
    blocks = [*(chunk(0, part) for part in parts), chunk(0, finish="stop"), DONE]
    events = await ask_once(ask(), replies.events(*blocks))
    assert (text(events), reasoning(events)) == ("\n\nAnswer", "hmm")


async def test_reasoning_that_is_cut_off_is_no_text() -> None:
    blocks = [chunk(0, "<think>hmm <"), chunk(0, finish="length"), DONE]
    events = await ask_once(ask(), replies.events(*blocks))
    assert (text(events), reasoning(events)) == ("", "hmm <")


async def test_reasoning_that_the_template_opened() -> None:
    blocks = [chunk(0, "hmm\n"), chunk(0, "so\n</think>\n\nAnswer", finish="stop"), DONE]
    events = await ask_once(ask(), replies.events(*blocks))
    assert (text(events), reasoning(events)) == ("\n\nAnswer", "hmm\nso\n")


async def test_a_server_that_does_not_stream() -> None:
    events = await ask_once(ask(), replies.whole("hello"))
    assert events == [Admitted(), Delta(0, "hello"), Ended(0, "stop", True, 7, 3)]
    events = await ask_once(ask(n=2), replies.whole("one", "two"))
    assert (text(events, 0), text(events, 1)) == ("one", "two")
    assert ends(events)[1] == Ended(1, "stop", True, 7, None)


def unnumbered(*texts: str, **fields: object) -> dict[str, object]:
    return {"choices": [{"message": {"content": each}, **fields} for each in texts]}


@pytest.mark.parametrize("fields", [{}, {"index": None}])
async def test_choices_without_a_number_are_told_apart_by_their_place(
    fields: dict[str, object],
) -> None:
    payload = unnumbered("one", "two", "three", **fields)
    for reply in (replies.answer(200, payload), replies.events(event(payload), DONE)):
        events = await ask_once(ask(n=3), reply)
        assert [text(events, choice) for choice in range(3)] == ["one", "two", "three"]
        assert ends(events).keys() == {0, 1, 2}


async def test_the_only_choice_without_a_number_is_the_first() -> None:
    numbered = {"index": 1, "message": {"content": "two"}}
    payload = {"choices": [numbered, {"message": {"content": "one"}}]}
    events = await ask_once(ask(n=2), replies.answer(200, payload))
    assert [text(events, choice) for choice in range(2)] == ["one", "two"]


async def test_blank_lines_before_a_whole_completion() -> None:
    body = b"\n\n \n" + json.dumps({"choices": [{"message": {"content": "hello"}}]}).encode()
    reply = replies.plain(200, body, {"Content-Type": "application/json"})
    assert text(await ask_once(ask(), reply)) == "hello"


@pytest.mark.parametrize(
    "data",
    [
        b"data: garbage\n\n",
        b"data: [1]\n\n",
        b"data: 7\n\n",
        b'data: {"choices": 7}\n\n',
        b'data: {"choices": [7]}\n\n',
        b'data: {"choices": [{"index": "x"}]}\n\n',
        b'data: {"choices": [{"delta": {"content": {"a": 1}}}]}\n\n',
        b"data: " + b"[" * 100_000 + b"\n\n",
    ],
)
async def test_garbage_is_no_response(data: bytes) -> None:
    with pytest.raises(ProtocolError, match="no chat completion"):
        await ask_once(ask(), replies.events(chunk(0, "some"), data))


@pytest.mark.parametrize(
    "reply",
    [
        replies.html(200, "Welcome to nginx"),
        replies.plain(200, b"Ollama is running", {"Content-Type": "text/plain"}),
        replies.plain(200, b""),
    ],
)
async def test_another_kind_of_server_is_no_response(reply: Reply) -> None:
    with pytest.raises(ProtocolError, match="instead of a chat completion"):
        await ask_once(ask(), reply)


async def test_data_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dpo_tui.backend.stream._LONGEST_EVENT", 10_000)
    with pytest.raises(ProtocolError, match="without end"):
        await ask_once(ask(), replies.events(b"data: ", *[b"x" * 1000] * 20, ends=False))
    long = [chunk(0, "word " * 100)] * 40  # far more than that in all
    events = await ask_once(ask(), replies.events(*long, DONE))
    assert text(events) == "word " * 4000


async def test_silences_are_told_apart() -> None:
    short = Timeouts(queued=0.05, first_token=0.05, stalled=0.05, closing=0.05)
    with pytest.raises(StallError, match="did not begin to answer"):
        await ask_once(ask(), replies.silence, timeouts=short)
    with pytest.raises(StallError, match="sent no token"):
        await ask_once(ask(), replies.events(chunk(0), ends=False), timeouts=short)
    with pytest.raises(StallError, match="stopped in the middle"):
        await ask_once(ask(), replies.events(chunk(0, "half"), ends=False), timeouts=short)


IMPATIENT = Timeouts(quiet=0.02)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(replies.silence, id="queued"),
        pytest.param(replies.events(chunk(0, role="assistant"), ends=False), id="no token"),
        pytest.param(replies.events(chunk(0, "half of"), ends=False), id="in the middle"),
    ],
)
async def test_a_silent_stream_of_a_server_that_is_gone(reply: Reply) -> None:
    """vLLM stops listening when it is told to end, and keeps its streams open."""
    async with serving(reply, timeouts=IMPATIENT) as (server, client):
        task = asyncio.create_task(collect(client, ask()))
        await server.wait_for_requests(1)
        server.stop_listening()
        with pytest.raises(ConnectError, match=r"fell silent.*Nothing answers.*refused"):
            await task


async def test_what_had_finished_survives_that_the_server_is_gone() -> None:
    blocks = [chunk(0, "all", finish="stop"), chunk(1, "half")]
    silent = replies.events(*blocks, ends=False)
    async with serving(silent, timeouts=IMPATIENT) as (server, client):
        stream = client.stream(ask(n=2))
        assert [await anext(stream) for _ in range(3)][-1] == Delta(1, "half")
        server.stop_listening()
        assert await anext(stream) == Ended(0, "stop")
        with pytest.raises(ConnectError, match="fell silent"):
            await anext(stream)


@pytest.mark.parametrize(
    "models_reply", [replies.error(500, "oh"), replies.silence, replies.bytes_and_cut(b"")]
)
async def test_a_silence_of_a_server_that_lives_changes_nothing(models_reply: Reply) -> None:
    gate, asked = Gate(), asyncio.Event()

    async def noted(exchange: Exchange) -> None:
        asked.set()
        await models_reply(exchange)

    reply = replies.completion("a b", gate=gate)
    async with serving(reply, timeouts=IMPATIENT) as (server, client):
        server.models_reply = noted
        task = asyncio.create_task(collect(client, ask()))
        await asked.wait()
        gate.open(2)
        assert text(await task) == "a b"


@pytest.mark.parametrize("ends_well", [True, False])
async def test_a_stream_that_flows_fast_is_read_whole(ends_well: bool) -> None:
    words = [f" word{number}" for number in range(150)]

    async def reply(exchange: Exchange) -> None:
        await exchange.start_stream()
        for word in words:
            await exchange.chunk(chunk(0, word))
            await asyncio.sleep(0.002)
        if ends_well:
            await exchange.chunk(chunk(0, finish="stop") + DONE)
        await exchange.end_stream()

    events = await ask_once(ask(), reply)
    assert text(events) == "".join(words)
    assert ends(events)[0].whole is ends_well


async def test_keep_alive_comments_are_no_silence() -> None:
    patience = Timeouts(first_token=0.3)

    async def reply(exchange: Exchange) -> None:
        await exchange.start_stream()
        loop = asyncio.get_running_loop()
        start = loop.time()
        while loop.time() < start + 2 * patience.first_token:
            await exchange.chunk(b": ping\n\n")
            await asyncio.sleep(patience.first_token / 20)
        await exchange.chunk(chunk(0, "late", finish="stop") + DONE)
        await exchange.end_stream()

    events = await ask_once(ask(), reply, timeouts=patience)
    assert events == [Admitted(), Delta(0, "late"), Ended(0, "stop")]


async def test_a_silence_after_the_last_word_does_no_harm() -> None:
    short = Timeouts(closing=0.05)
    blocks = [chunk(0, "all", finish="stop")]
    events = await ask_once(ask(), replies.events(*blocks, ends=False), timeouts=short)
    assert ends(events) == {0: Ended(0, "stop", whole=True)}


async def test_a_failure_after_the_last_word_does_no_harm() -> None:
    blocks = [chunk(0, "all", finish="stop"), event({"error": "usage is broken"}), DONE]
    assert ends(await ask_once(ask(), replies.events(*blocks)))[0].whole


async def test_waiting_in_the_queue_and_for_the_first_token() -> None:
    queue, tokens = Gate(), Gate()
    async with serving(replies.queued(queue, replies.completion("a b", gate=tokens))) as (
        _,
        client,
    ):
        stream = client.stream(ask())
        queue.open()
        assert await anext(stream) == Admitted()
        tokens.open()
        assert await anext(stream) == Delta(0, "a")
        tokens.open()
        assert await anext(stream) == Delta(0, " b")
        assert isinstance(await anext(stream), Ended)
