import asyncio
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest

from dpo_tui.backend.client import HttpChatClient
from dpo_tui.backend.models import Models
from dpo_tui.backend.stream import Timeouts
from dpo_tui.domain.model import (
    Completion,
    Mark,
    Message,
    Origin,
    Prompt,
    Sampling,
    Source,
    State,
)
from dpo_tui.domain.sources import SamplingPlan, SourceSettings
from dpo_tui.errors import BusyError
from dpo_tui.service.endpoint import Health, seconds_to_probe
from dpo_tui.service.generation import Route
from dpo_tui.service.live import Phase
from dpo_tui.service.outcomes import Refused
from dpo_tui.store.role import GeneratorRole
from dpo_tui.store.session import SessionStore
from tests.samples import ready
from tests.servers import replies
from tests.servers.tls import Authority
from tests.servers.wire import MODEL, ChatServer, Exchange, Reply
from tests.service.desk import ANNOTATOR, Desk, begun_and_endless, desk, prompts


def health(here: Desk) -> Health:
    (endpoint,) = here.generation.endpoints
    return endpoint.health


def by_prompt(**answers: Reply) -> Reply:
    async def reply(exchange: Exchange) -> None:
        await answers[exchange.request.body["messages"][0]["content"]](exchange)

    return reply


async def test_the_groups_ahead_are_generated_before_they_are_asked_for(tmp_path: Path) -> None:
    async with (
        ChatServer(replies.completion("a", "b")) as server,
        desk(tmp_path, server.url, prompts(*"12345"), ahead=2) as here,
    ):
        await here.until(lambda: here.generation.ready_ahead == 2)
        asked = [request.body["messages"][0]["content"] for request in server.requests]
        assert asked == ["1", "2", "3"]
        await here.label(0)
        assert [card.text for card in here.cards] == ["a", "b"]
        await here.until(lambda: here.generation.ready_ahead == 2)
        assert len(server.requests) == 4


async def test_a_server_that_ignores_n_is_asked_for_the_others_one_by_one(tmp_path: Path) -> None:
    async with (
        ChatServer(replies.completion("a", ignores_n=True)) as server,
        desk(tmp_path, server.url, prompts("one"), n=4) as here,
    ):
        cards = await here.until_ended()
        assert [card.state for card in cards] == [State.COMPLETE] * 4
        assert len(server.requests) == 4


async def test_the_others_are_asked_for_while_the_only_choice_still_streams(
    tmp_path: Path,
) -> None:
    gate = replies.Gate()
    long = "twenty words " * 10
    async with (
        ChatServer(replies.completion(long, ignores_n=True, gate=gate)) as server,
        desk(tmp_path, server.url, prompts("one"), n=4) as here,
    ):
        gate.open(4)
        await server.wait_for_requests(4)
        assert not server.requests[0].answered.is_set()
        gate.open(1000)
        await here.until_ended()


async def test_room_at_the_server_is_used_while_the_disk_is_busy(tmp_path: Path) -> None:
    held = Event()
    async with (
        ChatServer(replies.completion("a", "b")) as server,
        desk(tmp_path, server.url, prompts(*"123"), concurrency=2) as here,
    ):
        await server.wait_for_requests(1)
        busy = asyncio.create_task(here.disk.run(held.wait))
        await server.wait_for_requests(3)
        held.set()
        await busy
        await here.until(lambda: here.generation.ready_ahead == 2)
        assert len(server.requests) == 3


async def test_leaving_stores_what_has_ended_and_waits_for_the_disk(tmp_path: Path) -> None:
    held = Event()
    async with ChatServer(replies.completion("a", "b")) as server:
        async with desk(tmp_path, server.url, prompts("one"), ahead=0) as here:
            await server.wait_for_requests(1)
            busy = asyncio.create_task(here.disk.run(held.wait))
            await server.requests[0].answered.wait()
            await here.until(lambda: here.generation.endpoints[0].in_flight == 0)
            leaving = asyncio.create_task(here.generation.aclose())
            await asyncio.sleep(0)
            held.set()
            await asyncio.gather(leaving, busy)
        async with desk(tmp_path, server.url, prompts("one"), ahead=0) as here:
            assert [card.text for card in here.cards] == ["a", "b"]
        assert len(server.requests) == 1


async def test_a_server_with_fewer_slots_gets_smaller_requests(tmp_path: Path) -> None:
    reply = replies.at_most(2, replies.completion("a", "b"))
    async with (
        ChatServer(reply) as server,
        desk(tmp_path, server.url, prompts("one"), n=4) as here,
    ):
        await here.until_ended()
        assert sorted(request.n for request in server.requests) == [2, 2, 4]


async def test_every_response_has_its_own_seed(tmp_path: Path) -> None:
    reply = replies.at_most(1, replies.completion("a"))
    async with (
        ChatServer(reply) as server,
        desk(tmp_path, server.url, prompts("one"), n=3, sampling=Sampling(seed=7)) as here,
    ):
        await here.until_ended()
        seeds = {request.body["seed"] for request in server.requests if request.n == 1}
        assert seeds == {7, 8, 9}
        stored = (await here.disk.run(here.store.group, here.labelling.group.id, "ann")).responses  # type: ignore[union-attr]
        sampled = [each.completion.source.sampling for each in stored]
        assert [each.seed for each in sampled if each] == [7, 8, 9]


async def test_a_broken_response_is_tried_again_and_then_fails_alone(tmp_path: Path) -> None:
    broken = replies.events(
        *(replies.chunk(0, "fine", "stop"), replies.chunk(1, "half a")), cut=True
    )
    single = replies.events(replies.chunk(0, "half a"), cut=True)
    async with (
        ChatServer(single) as server,
        desk(tmp_path, server.url, prompts("one")) as here,
    ):
        server.script(broken)
        good, bad = await here.until_ended()
        assert (good.state, good.text) == (State.COMPLETE, "fine")
        assert (bad.state, bad.usable) == (State.ABORTED, False)
        assert len(server.requests) == 3
        server.reply = replies.completion("mended")
        await here.labelling.supply.regenerate()
        good, bad = await here.until_ended()
        assert (good.text, bad.text) == ("fine", "mended")
        assert server.requests[-1].n == 1


async def test_a_refused_prompt_fails_its_own_cards_and_no_others(tmp_path: Path) -> None:
    refusal = replies.error(400, "too long", type="exceed_context_size_error", n_ctx=10)
    async with ChatServer(replies.completion("a", "b")) as server:
        server.script(refusal)
        async with desk(tmp_path, server.url, prompts("long", "short")) as here:
            cards = await here.until_ended()
            assert [card.state for card in cards] == [State.FAILED] * 2
            assert "too long" in cards[0].note
            assert cards[0].text == ""
            await here.labelling.skip()
            cards = await here.until_ended()
            assert [card.text for card in cards] == ["a", "b"]
            assert health(here) is Health.UP


async def test_a_prompt_that_moderation_refuses_fails_its_own_cards(tmp_path: Path) -> None:
    refusal = replies.error(403, "m requires moderation. Your input was flagged.")
    reply = by_prompt(one=refusal, two=replies.completion("a", "b"))
    async with (
        ChatServer(reply) as server,
        desk(tmp_path, server.url, prompts("one", "two")) as here,
    ):
        cards = await here.until_ended()
        assert [card.state for card in cards] == [State.FAILED] * 2
        assert "flagged" in cards[0].note
        await here.labelling.skip()
        cards = await here.until_ended()
        assert [card.text for card in cards] == ["a", "b"]
        assert len(server.requests) == 2


async def test_a_dead_server_is_told_and_generation_picks_up_when_it_is_back(
    tmp_path: Path,
) -> None:
    async with (
        ChatServer(replies.completion("a", "b")) as server,
        desk(tmp_path, server.url, prompts(*"123"), ahead=1) as here,
    ):
        await here.until(lambda: here.generation.ready_ahead == 1)
        await server.stop()
        await here.label(0)
        await here.until(lambda: health(here) is Health.DOWN)
        await here.label(0)
        assert [card.phase for card in here.cards] == [Phase.WAITING] * 2
        assert here.cards[0].note
        await server.restart()
        await here.until_ended()
        assert health(here) is Health.UP


async def test_what_a_server_leaves_in_silence_is_asked_for_again_when_it_is_back(
    tmp_path: Path,
) -> None:
    silent = replies.events(replies.chunk(0, "half of"), ends=False)
    async with ChatServer(silent) as server:
        client = HttpChatClient(server.url, MODEL, timeouts=Timeouts(quiet=0.02))
        async with desk(tmp_path, None, prompts("one"), routes=[Route(client, 8)]) as here:
            for following in [silent] * 3 + [replies.completion("a", "b")]:
                await here.until(lambda: here.cards[0].phase is Phase.STREAMING)
                server.stop_listening()
                await here.until(lambda: health(here) is Health.DOWN)
                assert [card.phase for card in here.cards] == [Phase.WAITING] * 2
                assert "waits for a server" in here.cards[0].note
                server.reply = following
                await server.restart()
            cards = await here.until_ended()
            assert [card.text for card in cards] == ["a", "b"]  # no attempt was counted


async def test_a_certificate_that_is_not_trusted_stops_the_endpoint(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with (
        ChatServer(tls=authority.serve("127.0.0.1")) as server,
        desk(tmp_path, server.url, prompts("one")) as here,
    ):
        await here.until(lambda: health(here) is Health.STOPPED)
        assert [card.phase for card in here.cards] == [Phase.WAITING] * 2


async def test_a_rate_limit_is_waited_for_and_costs_no_card(tmp_path: Path) -> None:
    async with ChatServer(replies.completion("a", "b")) as server:
        server.script(replies.error(429, "slow down", {"Retry-After": "0"}))
        async with desk(tmp_path, server.url, prompts("one")) as here:
            await here.until(lambda: health(here) is Health.BUSY)
            cards = await here.until_ended()
            assert [card.text for card in cards] == ["a", "b"]


@pytest.mark.parametrize(
    ("asked", "strikes", "least", "most"),
    [(0.0, 0, 0.3, 1.0), (0.0, 9, 3.0, 7.0), (7.0, 0, 7.0, 7.0), (3600.0, 0, 60.0, 60.0)],
)
def test_an_endpoint_is_left_alone_for_as_long_as_it_asks_and_longer_each_time(
    asked: float, strikes: int, least: float, most: float
) -> None:
    error = BusyError("slow down", retry_after=asked)
    assert least <= seconds_to_probe(error, strikes) <= most


@pytest.mark.parametrize("is_streamed", [True, False])
async def test_a_failure_inside_a_good_answer_closes_the_endpoint_until_a_probe(
    tmp_path: Path, is_streamed: bool
) -> None:
    limited = {"error": {"message": "slow down", "code": 429}}
    as_events = replies.events(replies.event(limited), replies.DONE)
    reply = as_events if is_streamed else replies.answer(200, limited)
    later, probe = replies.Gate(), replies.Gate()
    async with ChatServer(reply) as server:
        server.script(reply, replies.queued(later, reply))
        server.models_reply = replies.queued(probe, server.models_reply)
        async with desk(tmp_path, server.url, prompts(*"1234"), concurrency=4) as here:
            await here.until(lambda: health(here) is Health.BUSY)
            later.open()
            await probe.reached()
            assert len(server.requests) == 2


async def test_what_was_begun_before_the_endpoint_closed_does_not_open_it(tmp_path: Path) -> None:
    later = replies.Gate()
    reply = by_prompt(
        one=replies.queued(later, replies.completion("a", "b")),
        two=replies.error(429, "slow down", {"Retry-After": "60"}),
    )
    async with (
        ChatServer(reply) as server,
        desk(tmp_path, server.url, prompts("one", "two"), concurrency=4) as here,
    ):
        await here.until(lambda: health(here) is Health.BUSY)
        later.open()
        cards = await here.until_ended()
        assert [card.text for card in cards] == ["a", "b"]
        assert health(here) is Health.BUSY
        assert len(server.requests) == 2


async def test_trouble_is_forgotten_when_a_request_from_after_it_is_served(tmp_path: Path) -> None:
    old, new = replies.Gate(), replies.Gate()
    reply = by_prompt(
        one=replies.completion("a", "b", gate=old), two=replies.error(429, "slow down")
    )
    async with (
        ChatServer(reply) as server,
        desk(tmp_path, server.url, prompts("one", "two"), concurrency=4) as here,
    ):
        await here.until(lambda: health(here) is Health.BUSY)
        server.reply = replies.completion("c", "d", gate=new)
        await server.wait_for_requests(3)
        old.open(1000)
        await here.until_ended()
        assert "slow down" in here.generation.endpoints[0].message
        new.open(1000)
        await here.until(lambda: here.generation.ready_ahead == 1)
        assert not here.generation.endpoints[0].message


async def test_a_wrong_key_stops_the_endpoint_until_it_is_mended(tmp_path: Path) -> None:
    denied = replies.error(401, "Invalid API Key")
    async with ChatServer(denied) as server:
        good_list = server.models_reply
        server.models_reply = denied
        async with desk(tmp_path, server.url, prompts("one")) as here:
            await here.until(lambda: health(here) is Health.STOPPED)
            assert "OPENAI_API_KEY" in here.generation.endpoints[0].remedy
            server.reply, server.models_reply = replies.completion("a", "b"), good_list
            await here.until_ended()
            assert health(here) is Health.UP


async def test_regenerating_keeps_the_old_set_and_hangs_up_on_what_streams(
    tmp_path: Path,
) -> None:
    endless = begun_and_endless("old")
    async with ChatServer(replies.completion("new 1", "new 2")) as server:
        server.script(endless)
        async with desk(tmp_path, server.url, prompts("one"), ahead=0) as here:
            await here.until(lambda: here.cards[0].phase is None)
            await here.labelling.supply.regenerate()
            cards = await here.until_ended()
            assert [card.text for card in cards] == ["new 1", "new 2"]
            await server.requests[0].hung_up.wait()
            assert here.labelling.group
            kept = (await here.disk.run(here.store.group, here.labelling.group.id, "ann")).responses
            assert [(each.set_no, each.completion.text) for each in kept] == [
                (1, "old"),
                (2, "new 1"),
                (2, "new 2"),
            ]


async def test_leaving_hangs_up_and_keeps_what_had_ended(tmp_path: Path) -> None:
    endless = begun_and_endless("kept")
    async with ChatServer(endless) as server:
        async with desk(tmp_path, server.url, prompts("one"), ahead=0) as here:
            await here.until(lambda: here.cards[0].phase is None)
        await server.requests[0].hung_up.wait()
        server.reply = replies.completion("second")
        async with desk(tmp_path, server.url, prompts("one"), ahead=0) as here:
            cards = await here.until_ended()
            assert [card.text for card in cards] == ["kept", "second"]


async def test_nothing_to_regenerate_before_anything_came(tmp_path: Path) -> None:
    async with desk(tmp_path, "http://127.0.0.1:9/v1", prompts("one")) as here:
        await here.until(lambda: health(here) is Health.DOWN)
        assert isinstance(await here.labelling.supply.regenerate(), Refused)


async def test_one_response_is_asked_for_again_and_its_mark_is_gone(tmp_path: Path) -> None:
    async with (
        ChatServer(replies.completion("a", "b")) as server,
        desk(tmp_path, server.url, prompts("one"), sampling=Sampling(seed=1)) as here,
    ):
        await here.until_ended()
        await here.labelling.marking.toggle(0, Mark.CHOSEN)
        await here.labelling.marking.toggle(1, Mark.CHOSEN)
        server.reply = replies.completion("b again")
        await here.labelling.supply.regenerate_one(1)
        cards = await here.until_ended()
        assert [card.text for card in cards] == ["a", "b again"]
        assert [card.mark for card in cards] == [Mark.CHOSEN, None]
        assert server.requests[-1].body["seed"] not in {1, 2}


async def test_one_more_response(tmp_path: Path) -> None:
    async with ChatServer(replies.completion("a", "b")) as server:
        async with desk(tmp_path, server.url, prompts("one")) as here:
            await here.until_ended()
            server.reply = replies.completion("c")
            assert await here.labelling.supply.add_response() == 3
            cards = await here.until_ended()
            assert [card.text for card in cards] == ["a", "b", "c"]
        async with desk(tmp_path, server.url, prompts("one")) as here:
            assert len(here.cards) == 3
            for _ in range(17):
                await here.labelling.supply.add_response()
            assert isinstance(await here.labelling.supply.add_response(), Refused)


async def test_older_sets_come_back_with_their_marks(tmp_path: Path) -> None:
    async with (
        ChatServer(replies.completion("old a", "old b")) as server,
        desk(tmp_path, server.url, prompts("one"), ahead=0) as here,
    ):
        await here.until_ended()
        assert isinstance(await here.labelling.supply.other_set(), Refused)
        await here.labelling.marking.toggle(0, Mark.CHOSEN)
        server.reply = replies.completion("new a", "new b")
        await here.labelling.supply.regenerate()
        await here.until_ended()
        await here.labelling.marking.toggle(1, Mark.CHOSEN)
        assert await here.labelling.supply.other_set() == 1
        assert [(card.text, card.mark) for card in here.cards] == [
            ("old a", Mark.CHOSEN),
            ("old b", None),
        ]
        assert await here.labelling.supply.other_set() == 2
        assert [card.mark for card in here.cards] == [None, Mark.CHOSEN]
        await here.labelling.confirm()
        assert (await here.rows())[0]["messages"][-1]["content"] == "new b"
        assert len(server.requests) == 2


async def test_looking_at_an_older_set_leaves_the_new_one_streaming(tmp_path: Path) -> None:
    gate = replies.Gate()
    async with (
        ChatServer(replies.completion("old a", "old b")) as server,
        desk(tmp_path, server.url, prompts("one"), ahead=0) as here,
    ):
        await here.until_ended()
        server.reply = replies.completion("new a", "new b", gate=gate)
        await here.labelling.supply.regenerate()
        await server.wait_for_requests(2)
        await here.labelling.supply.other_set()
        gate.open(1000)
        await server.requests[1].answered.wait()
        await here.labelling.supply.other_set()
        cards = await here.until_ended()
        assert [card.text for card in cards] == ["new a", "new b"]
        assert len(server.requests) == 2


async def test_while_another_process_generates_its_responses_are_read_along(
    tmp_path: Path,
) -> None:
    other = GeneratorRole(tmp_path / "session.db", insists=True)
    assert other.take()
    async with (
        ChatServer(replies.completion("a", "b")) as server,
        desk(tmp_path, server.url, prompts("one")) as here,
    ):
        await here.until(lambda: here.generation.is_elsewhere)
        assert "another process" in here.cards[0].note
        assert here.labelling.group
        source = Source(Origin.MODEL)
        completion = Completion("from there", State.COMPLETE, source)
        await here.disk.run(here.store.add_response, here.labelling.group.id, 1, 0, completion)
        await here.until(lambda: here.cards[0].text == "from there")
        assert not server.requests
        other.give()
        cards = await here.until_ended()
        assert [card.text for card in cards] == ["from there", "a"]


async def test_a_mark_goes_with_the_response_that_another_process_replaces(tmp_path: Path) -> None:
    other = GeneratorRole(tmp_path / "session.db", insists=True)
    assert other.take()
    given = [Prompt((Message("user", "one"),), responses=ready("a", "b"))]
    async with desk(tmp_path, "http://127.0.0.1:9/v1", given) as here:
        await here.labelling.marking.choose_all()
        completion = Completion("from there", State.COMPLETE, Source(Origin.MODEL))
        await here.disk.run(here.store.add_response, 1, 1, 0, completion)
        await here.until(lambda: here.cards[0].text == "from there")
        assert [card.mark for card in here.cards] == [None, Mark.CHOSEN]
    with closing(SessionStore.open(tmp_path / "session.db", annotator=ANNOTATOR)) as store:
        assert store.group(1, ANNOTATOR).draft.marks == {1: Mark.CHOSEN}
    other.give()


async def test_sources_share_a_group_and_endpoints_share_the_load(tmp_path: Path) -> None:
    sources = [
        SourceSettings(model="hot", plan=SamplingPlan(Sampling(temperature=1.5)), count=1),
        SourceSettings(endpoint="second", plan=SamplingPlan(temperatures=(0.1, 0.2))),
    ]
    async with (
        ChatServer(replies.completion("from the first"), models=("hot",)) as first,
        ChatServer(replies.completion("from the second"), models=("cold",)) as second,
        desk(
            tmp_path,
            None,
            prompts("one"),
            n=3,
            sources=sources,
            routes=[
                Route(HttpChatClient(first.url, "hot", name="first"), 4),
                Route(
                    HttpChatClient(second.url, "cold", name="second", models=Models(("cold",))), 4
                ),
            ],
        ) as here,
    ):
        cards = await here.until_ended()
        assert [card.text for card in cards] == ["from the first", *["from the second"] * 2]
        assert here.labelling.group
        made = [each.completion.source for each in here.labelling.group.shown()]
        assert [each.model for each in made] == ["hot", "cold", "cold"]
        assert [each.sampling.temperature for each in made if each.sampling] == [1.5, 0.1, 0.2]


async def test_a_failed_endpoint_leaves_its_work_to_the_others(tmp_path: Path) -> None:
    async with (
        ChatServer(replies.error(500, "engine died")) as bad,
        ChatServer(replies.completion("a", "b")) as good,
        desk(
            tmp_path,
            None,
            prompts(*"123456"),
            routes=[
                Route(HttpChatClient(bad.url, "test-model"), 2),
                Route(HttpChatClient(good.url, "test-model"), 2),
            ],
        ) as here,
    ):
        await bad.stop()
        for _ in range(6):
            cards = await here.until_ended()
            assert [card.text for card in cards] == ["a", "b"]
            await here.label(0)
        assert [each.health for each in here.generation.endpoints] == [Health.DOWN, Health.UP]


async def test_what_another_process_made_last_is_not_made_again(tmp_path: Path) -> None:
    other = GeneratorRole(tmp_path / "session.db", insists=True)
    assert other.take()
    async with (
        ChatServer(replies.completion("a", "b")) as server,
        desk(tmp_path, server.url, prompts("one"), ahead=0) as here,
    ):
        await here.until(lambda: here.generation.is_elsewhere)
        assert here.labelling.group
        for slot in (0, 1):
            completion = Completion(f"made {slot}", State.COMPLETE, Source(Origin.MODEL))
            await here.disk.run(
                here.store.add_response, here.labelling.group.id, 1, slot, completion
            )
        other.give()
        await here.until(lambda: not here.generation.is_elsewhere)
        cards = await here.until_ended()
        assert [card.text for card in cards] == ["made 0", "made 1"]
        assert not server.requests
