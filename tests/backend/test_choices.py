"""How many choices a server gives, and how that is found out."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from dpo_tui.backend.choices import Choices
from dpo_tui.backend.chunks import Chunk, Piece
from dpo_tui.backend.habits import Habits
from dpo_tui.domain.chat import Admitted, ChatEvent, Ended, Narrowed
from tests.backend.clients import ask, collect, ends, serving, text
from tests.servers import replies
from tests.servers.replies import DONE, Gate, chunk

LONG = " ".join("abcdefghijklmnopqrstuvwxyz")


async def test_n_is_honoured() -> None:
    async with serving(replies.completion("one", "two", "three")) as (server, client):
        assert client.choices_per_request(3) == 3
        events = await collect(client, ask(n=3))
        assert [text(events, index) for index in range(3)] == ["one", "two", "three"]
        assert not any(isinstance(event, Narrowed) for event in events)
        assert client.choices_per_request(20) == 20
        assert server.requests[0].n == 3


async def test_n_is_refused_with_a_maximum() -> None:
    async with serving(replies.at_most(4, replies.completion(LONG))) as (server, client):
        events = await collect(client, ask(n=7))
        assert events[:2] == [Narrowed(4), Admitted()]
        assert ends(events).keys() == {0, 1, 2, 3}
        assert [request.n for request in server.requests] == [7, 4]
        assert client.choices_per_request(7) == 4
        assert client.choices_per_request(2) == 2
        await collect(client, ask(n=4))
        assert len(server.requests) == 3


async def test_n_is_refused_altogether() -> None:
    refusals = [
        replies.error(400, "Only one completion choice is allowed"),
        replies.error(400, "n must be 1 when using greedy sampling, got 4."),
        replies.answer(422, {"detail": [{"loc": ["body", "n"], "msg": "extra inputs"}]}),
        replies.error(400, "This field is not supported", param="n"),
        replies.error(400, "Unsupported parameter: 'n'"),
    ]
    for refusal in refusals:
        async with serving(refusal, replies.completion("one")) as (server, client):
            events = await collect(client, ask(n=4))
            assert events[0] == Narrowed(1)
            assert text(events) == "one"
            assert "n" not in server.requests[1].body
            assert client.choices_per_request(4) == 1


async def test_n_is_ignored_and_this_is_told_while_the_only_choice_streams() -> None:
    gate = Gate()
    async with serving(replies.completion(LONG, ignores_n=True, gate=gate)) as (_, client):
        gate.open(4)
        stream = client.stream(ask(n=4))
        async for event in stream:
            if isinstance(event, Narrowed):
                assert event == Narrowed(1)
                break
        assert client.choices_per_request(4) == 1
        gate.open(22)
        rest = [event async for event in stream]
        assert isinstance(rest[-1], Ended)


async def test_choices_that_lag_a_little_are_waited_for() -> None:
    for early in (
        [chunk(0, role="assistant"), *[chunk(0, "x")] * 2],
        [chunk(2, "z"), *[chunk(0, "x")] * 9],  # any other one shows that n is known
        [chunk(0, role="assistant"), chunk(1, role="assistant"), *[chunk(0, "x")] * 9],
        [chunk(0, "x" * 99, finish="stop")],
    ):
        late = [chunk(index, "y", finish="stop") for index in range(3)]
        async with serving(replies.events(*early, *late, DONE)) as (_, client):
            events = await collect(client, ask(n=3))
            assert ends(events).keys() == {0, 1, 2}
            assert not any(isinstance(event, Narrowed) for event in events)


async def test_n_is_ignored_and_the_only_choice_is_short() -> None:
    async with serving(replies.completion("short", ignores_n=True)) as (_, client):
        events = await collect(client, ask(n=4))
        assert [type(event) for event in events[-2:]] == [Narrowed, Ended]
        assert client.choices_per_request(4) == 1


async def test_a_broken_stream_teaches_nothing() -> None:
    async with serving(replies.events(chunk(0, "half"), cut=True)) as (_, client):
        events = await collect(client, ask(n=4))
        assert not any(isinstance(event, Narrowed) for event in events)
        assert client.choices_per_request(4) == 4


async def test_one_choice_after_the_other_in_one_piece_each() -> None:
    blocks = [chunk(index, f"text {index}", finish="stop") for index in range(3)]
    async with serving(replies.events(*blocks, DONE)) as (_, client):
        assert ends(await collect(client, ask(n=3))).keys() == {0, 1, 2}
        assert client.choices_per_request(3) == 3


async def test_a_server_that_proves_the_guess_wrong_is_believed_from_then_on() -> None:
    blocks = [*[chunk(0, "x")] * 20, *[chunk(1, "y")] * 20]
    finishes = [chunk(0, finish="stop"), chunk(1, finish="stop"), DONE]
    async with serving(replies.events(*blocks, *finishes)) as (_, client):
        events = await collect(client, ask(n=2))
        assert Narrowed(1) in events
        assert ends(events).keys() == {0}  # it holds to what it said
        assert client.choices_per_request(2) == 2
        assert ends(await collect(client, ask(n=2))).keys() == {0, 1}


async def test_fewer_choices_than_asked_for() -> None:
    blocks = [chunk(0, "a", finish="stop"), chunk(1, "b", finish="stop"), DONE]
    async with serving(replies.events(*blocks)) as (_, client):
        events = await collect(client, ask(n=4))
        assert Narrowed(2) in events
        assert ends(events).keys() == {0, 1}
        assert client.choices_per_request(4) == 2


async def test_two_requests_that_are_refused_at_once_are_both_sent_again() -> None:
    gate = Gate()
    refusal = replies.queued(gate, replies.at_most(2, replies.silence))
    async with serving(refusal, refusal, replies.completion("a", "b")) as (server, client):
        both = [asyncio.create_task(collect(client, ask(n=4))) for _ in range(2)]
        await server.wait_for_requests(2)
        gate.open(2)
        for events in await asyncio.gather(*both):
            assert ends(events).keys() == {0, 1}


PIECES = st.builds(
    Piece,
    index=st.integers(-1, 4),
    content=st.sampled_from(["", "a", "b ", "<think>", "</think>", "\n", "<"]),
    reasoning=st.sampled_from(["", "", "", "r"]),
    finish_reason=st.sampled_from([None, None, None, "stop", "length"]),
)
CHUNKS = st.lists(
    st.builds(
        Chunk,
        st.lists(PIECES, max_size=3).map(tuple),
        st.none() | st.integers(0, 9),
        st.none() | st.integers(0, 9),
    ),
    max_size=60,
)


@given(n=st.integers(1, 4), chunks=CHUNKS, whole=st.booleans())
def test_every_choice_that_begins_ends_once_and_last(
    n: int, chunks: list[Chunk], whole: bool
) -> None:
    choices = Choices(n, Habits())
    events: list[ChatEvent] = []
    for each in chunks:
        events += choices.feed(each)
    assert not choices.is_finished or choices.has_begun
    events += choices.close(whole=whole)
    limit = min([n, *(event.n for event in events if isinstance(event, Narrowed))])
    begun = {piece.index for each in chunks for piece in each.pieces if 0 <= piece.index < limit}
    assert begun <= ends(events).keys() <= set(range(n))


@given(contents=st.lists(st.text(max_size=5), max_size=40), n=st.integers(1, 3))
def test_no_text_is_lost_or_put_under_another_choice(contents: list[str], n: int) -> None:
    choices = Choices(n, Habits())
    events: list[ChatEvent] = []
    for number, content in enumerate(contents):
        events += choices.feed(Chunk((Piece(number % n, content, "", None),)))
    events += choices.close(whole=True)
    for index in range(n):
        assert text(events, index) == "".join(contents[index::n])
