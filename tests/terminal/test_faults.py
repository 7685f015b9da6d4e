"""What the screen says of everything that a server can do, and what is stored of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from dpo_tui.domain.model import State
from tests.servers import replies
from tests.servers.replies import DONE, chunk, event
from tests.servers.wire import ChatServer, Exchange, Reply
from tests.terminal.program import ANNOTATOR, Person, are_ready, expected_rows, serving
from tests.terminal.terminal import Terminal

GOOD = replies.completion("a good answer", "another one")


@dataclass(frozen=True, slots=True)
class Fault:
    """How a server answers one prompt, in every attempt."""

    name: str
    reply: Reply
    words: tuple[str, ...]
    """What the screen says of it."""
    state: State
    text: str = ""
    """What is stored."""


def both(*blocks: Callable[[int], bytes], cut: bool = False) -> Reply:
    """Each of these events for every choice that is asked for."""

    async def reply(exchange: Exchange) -> None:
        events = [block(index) for block in blocks for index in range(exchange.request.n)]
        await replies.events(*events, *([] if cut else [DONE]), cut=cut)(exchange)

    return reply


FILTER = "content_filter"
OVERFLOW = {"message": "the request exceeds the context", "type": "exceed_context_size_error"}
FILTERED = "The server's content filter refuses this prompt"
SHORTEN = "Shorten the prompt, lower max_tokens"
FAULTS = [
    Fault(
        "cut off",
        replies.completion("as far as it", finish="length"),
        ("as far as it", "cut off at the token limit"),
        State.CUT_OFF,
        "as far as it",
    ),
    Fault(
        "filtered",
        both(lambda index: chunk(index, finish=FILTER)),
        ("failed", "the server withheld the response (content filter)"),
        State.FAILED,
    ),
    Fault(
        "filtered in the middle",
        both(lambda index: chunk(index, "I had be"), lambda index: chunk(index, finish=FILTER)),
        ("failed", "I had be"),
        State.FAILED,
        "I had be",
    ),
    Fault("empty", both(lambda index: chunk(index, finish="stop")), ("empty",), State.EMPTY),
    Fault("white space", replies.completion("\n \n"), ("empty",), State.EMPTY, "\n \n"),
    Fault(
        "reasoning only",
        both(lambda index: chunk(index, None, "stop", reasoning_content="let me see")),
        ("empty", "reasoning only"),
        State.EMPTY,
    ),
    Fault(
        "too long",
        replies.answer(400, {"error": OVERFLOW}),
        ("failed", "the request exceeds the context", SHORTEN),
        State.FAILED,
    ),
    Fault(
        "too long, told in a stream",
        replies.events(event({"error": OVERFLOW}), DONE),
        ("failed", "the request exceeds the context", SHORTEN),
        State.FAILED,
    ),
    Fault(
        "too long for a gateway",
        replies.html(413, "413 Payload Too Large"),
        ("failed", "413 Payload Too Large", SHORTEN),
        State.FAILED,
    ),
    Fault(
        "refused by a filter",
        replies.error(400, "blocked by our content management policy"),
        ("failed", "blocked by our content management policy", FILTERED),
        State.FAILED,
    ),
    Fault(
        "a field that is not known",
        replies.answer(422, {"detail": [{"loc": ["body", "seed"], "msg": "extra inputs"}]}),
        ("failed", "body.seed: extra inputs", "Change or take out seed"),
        State.FAILED,
    ),
    Fault(
        "broken",
        replies.error(500, "CUDA out of memory"),
        ("failed", "500: CUDA out of memory"),
        State.FAILED,
    ),
    Fault(
        "broken in a stream",
        replies.events(chunk(0, "half of"), event({"error": "engine died"}), DONE),
        ("failed", "engine died"),
        State.FAILED,
    ),
    Fault(
        "broken gateway",
        replies.html(502, "502 Bad Gateway"),
        ("failed", "502 Bad Gateway"),
        State.FAILED,
    ),
    Fault(
        "cut in the middle",
        both(lambda index: chunk(index, "half of"), cut=True),
        ("broke off",),
        State.ABORTED,
        "half of",
    ),
    Fault(
        "cut before the first token",
        replies.events(b": ping\n\n", cut=True),
        ("failed", "hung up"),
        State.FAILED,
    ),
    Fault(
        "garbage",
        replies.events(chunk(0, "half of"), b"data: garbage\n\n"),
        ("failed", "no chat completion: garbage"),
        State.FAILED,
    ),
    Fault(
        "nothing in a good stream",
        replies.events(DONE),
        ("failed", "answered without a completion"),
        State.FAILED,
    ),
]


def says(*words: str) -> Callable[[str], bool]:
    """Whether the screen has all of these, however its lines are folded."""
    return lambda screen: all(word in " ".join(screen.split()) for word in words)


def answering(replies_to: Mapping[str, Reply]) -> Reply:
    """Each prompt has its own reply."""

    async def reply(exchange: Exchange) -> None:
        await replies_to[exchange.request.body["messages"][-1]["content"]](exchange)

    return reply


def annotate(person: Person, *arguments: str) -> Terminal:
    given = ("annotate", "prompts.toml", "-n", "2", "--annotator", ANNOTATOR, *arguments)
    return person.start(*given, cols=158, rows=40)


def test_every_fault_of_a_response_is_told_and_stored(tmp_path: Path) -> None:
    by_prompt = {f"[{each.name}]": each.reply for each in FAULTS}
    with serving(ChatServer(answering(by_prompt))) as server:
        person = Person(tmp_path, server=server.url)
        person.prompts(*by_prompt)
        with annotate(person, "--seed", "1", "--ahead", "0") as terminal:
            for fault in FAULTS:
                terminal.wait_for(says(f"[{fault.name}]", *fault.words))
                terminal.press("s")
            terminal.wait_for("Every group is decided")
            terminal.press("q")
            assert terminal.wait_exit() == 0
    assert person.rows() == []
    for fault, group in zip(FAULTS, person.groups(), strict=True):
        stored = [(each.completion.state, each.completion.text) for each in group.responses]
        assert stored == [(fault.state, fault.text)] * 2, fault.name


def once(first: Reply, then: Reply) -> Reply:
    """One reply to the first request, another to those after it."""
    waiting = [first]

    async def reply(exchange: Exchange) -> None:
        await (waiting.pop() if waiting else then)(exchange)

    return reply


def spoken(*blocks: bytes) -> Reply:
    """A whole stream of one choice."""
    return replies.at_most(1, replies.chopped(*blocks, chunk(0, finish="stop"), DONE))


GOOD_TEXTS: Mapping[str, tuple[Reply, str]] = {
    "n is honoured": (GOOD, "a good answer"),
    "n is ignored": (replies.completion("the only one", ignores_n=True), "the only one"),
    "n is refused": (replies.at_most(1, replies.completion("one at a time")), "one at a time"),
    "no stream options": (
        once(replies.error(400, "stream_options: unknown"), replies.completion("plainly")),
        "plainly",
    ),
    "another token limit": (
        once(
            replies.events(event({"error": "use max_completion_tokens", "code": 400}), DONE),
            replies.completion("within limits"),
        ),
        "within limits",
    ),
    "reasoning apart": (spoken(chunk(0, None, reasoning="hm"), chunk(0, "thought")), "thought"),
    "reasoning in the text": (spoken(chunk(0, "<think>hm</think>"), chunk(0, "clear")), "clear"),
    "keep-alive": (spoken(b": ping\n\n", chunk(0, "patient"), b": ping\n\n"), "patient"),
    "characters in pieces": (
        spoken('data: {"choices":[{"delta":{"content":"naïve 日本語"}}]}\n\n'.encode()),
        "naïve 日本語",
    ),
    "no end": (replies.at_most(1, replies.events(chunk(0, "abrupt", "stop"))), "abrupt"),
    "no stream": (replies.at_most(1, replies.whole("in one piece")), "in one piece"),
}


def test_every_way_to_answer_well_is_shown_and_stored(tmp_path: Path) -> None:
    by_prompt = {f"[{name}]": reply for name, (reply, _) in GOOD_TEXTS.items()}
    with serving(ChatServer(answering(by_prompt))) as server:
        person = Person(tmp_path, server=server.url)
        person.prompts(*by_prompt)
        with annotate(person, "--ahead", "0") as terminal:
            for name, (_, text) in GOOD_TEXTS.items():
                terminal.wait_for(says(f"[{name}]", text))
                # The same text twice is excluded once.
                terminal.wait_for(lambda screen: are_ready(screen, "○○") or are_ready(screen, "○✖"))
                terminal.press("s")
            terminal.wait_for("Every group is decided")
            terminal.press("q")
            assert terminal.wait_exit() == 0
    for (name, (_, text)), group in zip(GOOD_TEXTS.items(), person.groups(), strict=True):
        stored = [(each.completion.state, each.completion.text) for each in group.responses]
        assert stored[0] == (State.COMPLETE, text), name
        assert [state for state, _ in stored] == [State.COMPLETE] * 2, name


PHASES: Mapping[str, tuple[Reply, str]] = {
    "in the queue": (replies.silence, "queued"),
    "before the first token": (replies.events(b": ping\n\n", ends=False), "reading the prompt"),
    "in the middle": (replies.events(chunk(0, "half of"), ends=False), "streaming"),
    "after a failure": (replies.error(500, "CUDA out of memory"), "trying again"),
}


def test_where_a_response_stands_is_told(tmp_path: Path) -> None:
    by_prompt = {f"[{name}]": reply for name, (reply, _) in PHASES.items()}
    with serving(ChatServer(answering(by_prompt))) as server:
        person = Person(tmp_path, server=server.url)
        person.prompts(*by_prompt)
        with annotate(person, "--ahead", "0") as terminal:
            terminal.wait_for("[in the queue]")
            server.models_reply = replies.silence  # what has failed isn't tried again at once
            for name, (_, phase) in PHASES.items():
                terminal.wait_for(says(f"[{name}]", phase))
                terminal.press("s")
            terminal.wait_for("Every group is decided")
            terminal.press("q")
            assert terminal.wait_exit() == 0
    assert [group.responses for group in person.groups()] == [()] * len(PHASES)


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        pytest.param(
            replies.error(401, "Invalid API Key"),
            ("stopped", "401: Invalid API Key", "OPENAI_API_KEY"),
            id="key",
        ),
        pytest.param(
            replies.error(403, "Country not supported"), ("stopped", "403: Country"), id="forbidden"
        ),
        pytest.param(
            replies.error(404, "The model `x` does not exist.", type="NotFoundError"),
            ("stopped", "does not exist", "--model"),
            id="model",
        ),
        pytest.param(
            replies.answer(404, {"detail": "Not Found"}), ("stopped", "ends in /v1"), id="URL"
        ),
        pytest.param(
            replies.error(429, "slow down", {"Retry-After": "1"}),
            ("busy", "429: slow down", "Wait for it"),
            id="rate limit",
        ),
        pytest.param(replies.error(503, "Loading model"), ("busy", "Loading model"), id="loading"),
        pytest.param(
            replies.events(event({"error": {"message": "queue is full", "code": 503}}), DONE),
            ("busy", "503: queue is full"),
            id="full queue, told in a stream",
        ),
    ],
)
def test_trouble_with_the_endpoint_is_told_until_it_is_over(
    tmp_path: Path, trouble: Reply, words: tuple[str, ...]
) -> None:
    with serving(ChatServer(GOOD)) as server:
        good_list = server.models_reply
        person = Person(tmp_path, server=server.url)
        person.prompts("one", "two")
        with annotate(person, "--ahead", "0") as terminal:
            terminal.wait_for("another one")
            server.reply = server.models_reply = trouble
            terminal.press("s")
            terminal.wait_for(says("two", "waiting", *words))
            server.reply, server.models_reply = replies.completion("at last"), good_list
            terminal.wait_for(says("two", "at last"))
            terminal.wait_for(lambda screen: words[0] not in screen)
            terminal.press("q")
            assert terminal.wait_exit() == 0
    texts = [[each.completion.text for each in group.responses] for group in person.groups()]
    assert texts == [["a good answer", "another one"], ["at last", "at last"]]


def test_labelling_goes_on_while_the_server_is_dead(tmp_path: Path) -> None:
    server = ChatServer()

    async def die(exchange: Exchange) -> None:
        server.stop_listening()
        exchange.cut()

    server.reply = answering({"one": GOOD, "two": GOOD, "three": die})
    with serving(server):
        person = Person(tmp_path, server=server.url)
        person.prompts("one", "two", "three")
        with annotate(person, "--ahead", "1") as terminal:
            terminal.wait_for("1 ahead")
            terminal.press("1", "enter")
            terminal.wait_for(says("two", "down", "Nothing answers at"))
            terminal.wait_for(lambda screen: are_ready(screen, "○○"))
            terminal.press("1", "enter")
            terminal.wait_for(says("three", "waiting", "down"))
            with serving(ChatServer(GOOD, port=port_of(server))):
                terminal.wait_for(says("three", "a good answer"))
                terminal.wait_for(lambda screen: "down" not in screen and are_ready(screen, "○○"))
                terminal.press("1", "enter")
                terminal.wait_for("Every group is decided")
                terminal.press("q")
                assert terminal.wait_exit() == 0
    assert person.rows() == expected_rows(person.groups())
    assert len(person.rows()) == 3


def test_a_server_that_is_gone_in_silence_is_told(tmp_path: Path) -> None:
    server = ChatServer()

    async def fall_silent(exchange: Exchange) -> None:
        server.stop_listening()
        await replies.events(chunk(0, "half of"), ends=False)(exchange)

    server.reply = fall_silent
    with serving(server):
        person = Person(tmp_path, server=server.url)
        person.prompts("one")
        with annotate(person) as terminal:
            terminal.wait_for(says("half of", "streaming"))
            terminal.wait_for(says("waiting", "down", "fell silent", "Nothing answers at"))
            with serving(ChatServer(GOOD, port=port_of(server))):
                terminal.wait_for("a good answer")
                terminal.wait_for(lambda screen: "down" not in screen)
                terminal.press("q")
                assert terminal.wait_exit() == 0
    (group,) = person.groups()
    assert [each.completion.text for each in group.responses] == ["a good answer", "another one"]


def test_a_response_that_gave_up_is_tried_again_when_it_is_asked_for(tmp_path: Path) -> None:
    with serving(ChatServer(replies.error(400, "too long"))) as server:
        person = Person(tmp_path, server=server.url)
        person.prompts("one")
        with annotate(person) as terminal:
            terminal.wait_for(says("failed", "400: too long"))
            server.reply = GOOD
            terminal.press("r")
            terminal.wait_for(says("a good answer", "another one"))
            terminal.wait_for(lambda screen: are_ready(screen, "○○"))
            terminal.press("1", "enter")
            terminal.wait_for("Every group is decided")
            terminal.press("q")
            assert terminal.wait_exit() == 0
    assert len(person.rows()) == 1


def test_what_still_streams_at_a_confirm_is_told_and_part_of_no_pair(tmp_path: Path) -> None:
    blocks = [chunk(0, "good", "stop"), chunk(1, "bad", "stop"), *[chunk(2, "on and on ")] * 40]
    with serving(ChatServer(replies.events(*blocks, ends=False))) as server:
        person = Person(tmp_path, server=server.url)
        person.prompts("one")
        with annotate(person, "-n", "3") as terminal:
            terminal.wait_for(says("good", "bad", "on and on"))
            terminal.wait_for(lambda screen: screen.count("streaming") == 1)
            terminal.press("1", "enter")
            terminal.wait_for("in no pair: 1 response that had not ended")
            terminal.wait_for("Every group is decided")
            terminal.press("q")
            assert terminal.wait_exit() == 0
    assert [row["rejected_response"] for row in person.rows()] == ["bad"]


def port_of(server: ChatServer) -> int:
    return int(server.url.removesuffix("/v1").rpartition(":")[2])
