from pathlib import Path

from dpo_tui.domain.model import Message, Prompt
from dpo_tui.service.endpoint import EndpointStatus, Health
from dpo_tui.tui.alarm import Alarm
from tests.samples import ready
from tests.servers import replies
from tests.servers.wire import ChatServer
from tests.service.desk import desk, prompts


def endpoints(*healths: Health) -> list[EndpointStatus]:
    return [
        EndpointStatus(f"http://{number}/v1", "m", health, 0)
        for number, health in enumerate(healths)
    ]


def test_it_rings_when_a_server_goes_down_and_only_then() -> None:
    alarm = Alarm()
    seen = [
        alarm.is_due(None, endpoints(*each))
        for each in (
            (Health.UP, Health.DOWN),  # from the start: no news
            (Health.UP, Health.DOWN),
            (Health.DOWN, Health.DOWN),
            (Health.DOWN, Health.STOPPED),
            (Health.UP, Health.UP),
            (Health.BUSY, Health.UP),
            (Health.UP, Health.STOPPED),
        )
    ]
    assert seen == [False, False, True, False, False, False, True]


async def test_it_rings_once_when_the_group_that_was_waited_for_is_complete(
    tmp_path: Path,
) -> None:
    gate = replies.Gate()
    blocks = [replies.chunk(0, "alpha"), replies.chunk(0, " text", "stop")]
    blocks += [replies.chunk(1, "beta"), replies.chunk(1, " text", "stop"), replies.DONE]
    alarm = Alarm()
    async with (
        ChatServer(replies.events(*blocks, gate=gate)) as server,
        desk(tmp_path, server.url, prompts("first")) as here,
    ):
        gate.open(1)
        await here.until(lambda: any(card.text for card in here.cards))
        assert not alarm.is_due(here.labelling.sheet, ())
        assert not alarm.is_due(here.labelling.sheet, ())
        gate.open(len(blocks))
        await here.until_ended()
        assert alarm.is_due(here.labelling.sheet, ())
        assert not alarm.is_due(here.labelling.sheet, ())
        await here.labelling.skip()
        assert here.labelling.sheet is None
        assert not alarm.is_due(here.labelling.sheet, ())


async def test_leaving_a_group_that_is_not_complete_is_no_reason(tmp_path: Path) -> None:
    alarm = Alarm()
    reply = replies.events(replies.chunk(0, "on and "), ends=False)
    async with (
        ChatServer(reply) as server,
        desk(tmp_path, server.url, prompts("first", "second")) as here,
    ):
        await here.until(lambda: any(card.text for card in here.cards))
        assert not alarm.is_due(here.labelling.sheet, ())
        await here.labelling.open_neighbour(1)
        assert not alarm.is_due(here.labelling.sheet, ())


async def test_what_is_there_already_is_no_reason(tmp_path: Path) -> None:
    alarm = Alarm()
    given = [
        Prompt((Message("user", text),), responses=ready("a", "b")) for text in ("first", "second")
    ]
    async with desk(tmp_path, None, given) as here:
        assert not alarm.is_due(here.labelling.sheet, ())
        await here.label(0)
        assert not alarm.is_due(here.labelling.sheet, ())
