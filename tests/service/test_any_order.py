"""Whatever order things happen in: no response is lost, doubled or put under the wrong prompt."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpo_tui.domain.model import Group, Mark, Response, State
from dpo_tui.service.onscreen import LabellingOptions
from dpo_tui.service.outcomes import Refused
from dpo_tui.store.session import SessionStore
from tests.servers import replies
from tests.servers.wire import ChatServer, Exchange, Reply
from tests.service.desk import Desk, desk, prompts

PROMPTS = [f"prompt {letter}" for letter in "abcdef"]
FAULTS = ("good", "good", "good", "cut", "error", "busy", "hang up", "ignores n", "at most 2")
COMMANDS = (
    "wait",
    "choose",
    "confirm",
    "skip",
    "undo",
    "redo",
    "next group",
    "previous group",
    "regenerate",
    "regenerate one",
    "add",
    "other set",
    "choose all",
    "tie",
    "best",
    "flag",
    "note",
    "edit",
    "write",
    "restart",
)
OWN = count()


def server_with(faults: list[str]) -> Reply:
    """Every choice says which prompt it answers, and no two say the same."""
    numbers = count()

    async def reply(exchange: Exchange) -> None:
        number = next(numbers)
        fault = faults[number] if number < len(faults) else "good"
        said = exchange.request.body["messages"][-1]["content"]
        texts = [f"{said} / {number}.{choice}" for choice in range(exchange.request.n)]
        answer = {
            "cut": replies.events(replies.chunk(0, "half of"), cut=True),
            "error": replies.error(500, "out of memory"),
            "busy": replies.error(429, "slow down", {"Retry-After": "0"}),
            "hang up": replies.bytes_and_cut(b""),
            "ignores n": replies.completion(*texts, ignores_n=True),
            "at most 2": replies.at_most(2, replies.completion(*texts)),
        }.get(fault, replies.completion(*texts))
        await answer(exchange)

    return reply


async def play(here: Desk, command: str) -> object:
    labelling = here.labelling
    group = labelling.group
    said = group.prompt.messages[-1].content if group else ""
    mine = f"{said} / my own {next(OWN)}"
    commands: dict[str, Callable[[], Awaitable[object]]] = {
        "wait": here.until_ended,
        "choose": lambda: labelling.marking.toggle(0, Mark.CHOSEN),
        "confirm": labelling.confirm,
        "skip": labelling.skip,
        "undo": labelling.undo,
        "redo": labelling.redo,
        "next group": lambda: labelling.open_neighbour(1),
        "previous group": lambda: labelling.open_neighbour(-1),
        "regenerate": labelling.supply.regenerate,
        "regenerate one": lambda: labelling.supply.regenerate_one(0),
        "add": labelling.supply.add_response,
        "other set": labelling.supply.other_set,
        "choose all": labelling.marking.choose_all,
        "tie": labelling.marking.toggle_tie,
        "best": lambda: labelling.marking.toggle_best(1),
        "flag": labelling.marking.toggle_flag,
        "note": lambda: labelling.marking.annotate_note("because", ["label"]),
        "edit": lambda: labelling.writing.edit(0, mine),
        "write": lambda: labelling.writing.write(mine),
    }
    return await commands[command]()


def split(items: list[str], at: str) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for item in items:
        if item == at:
            parts.append([])
        else:
            parts[-1].append(item)
    return parts


async def run(folder: Path, faults: list[str], commands: list[str]) -> None:
    typed: list[Response] = []
    async with ChatServer(server_with(faults)) as server:
        for session in split(commands, "restart"):
            options = LabellingOptions()
            async with desk(folder, server.url, prompts(*PROMPTS), n=2, options=options) as here:
                for command in session:
                    outcome = await play(here, command)
                    if command in {"edit", "write"} and isinstance(outcome, Response):
                        typed.append(outcome)
                left = here.labelling.group
            if left:
                check_kept(folder, left)
        async with desk(folder, server.url, prompts(*PROMPTS), n=2) as here:
            while here.labelling.group:
                cards = await here.until_ended()
                assert len(cards) >= 2
                await here.labelling.skip()
            while not isinstance(await here.labelling.undo(), Refused):
                pass
            await check(here, typed)


def check_kept(folder: Path, left: Group) -> None:
    """What was on screen is on disk: marks, remarks, flag, decision."""
    with closing(SessionStore.open(folder / "session.db", annotator="ann")) as store:
        kept = store.group(left.id, "ann")
    assert (kept.draft, kept.flagged, kept.decision) == (left.draft, left.flagged, left.decision)


async def check(here: Desk, typed: Sequence[Response]) -> None:
    texts = []
    for group_id in range(1, len(PROMPTS) + 1):
        group = await here.disk.run(here.store.group, group_id, "ann")
        said = group.prompt.messages[-1].content
        places = [(each.set_no, each.slot) for each in group.responses]
        assert len(set(places)) == len(places)
        for response in group.responses:
            if response.completion.state is State.COMPLETE:
                assert response.completion.text.startswith(f"{said} / ")
                texts.append(response.completion.text)
    assert len(set(texts)) == len(texts)
    assert {each.completion.text for each in typed} <= set(texts)


@pytest.mark.timeout(600)  # servers that fail in a row are waited for, longer each time
@settings(max_examples=25, deadline=None)
@given(
    # Each one in a row that is busy doubles the wait.
    faults=st.lists(st.sampled_from(FAULTS), max_size=12).filter(
        lambda all_: all_.count("busy") < 4
    ),
    commands=st.lists(st.sampled_from(COMMANDS), max_size=14),
)
def test_any_order(faults: list[str], commands: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(asyncio.wait_for(run(Path(name), faults, commands), 240))
