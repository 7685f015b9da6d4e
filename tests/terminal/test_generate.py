"""`dpo-tui generate` as a batch job sees it: plain lines, and an exit code that tells."""

import socket
from pathlib import Path

import pytest

from tests.servers import replies
from tests.servers.tls import Authority
from tests.servers.wire import MODEL, ChatServer, Exchange
from tests.terminal.program import Person, serving

GOOD = replies.completion("a", "b")


async def too_long_for_one(exchange: Exchange) -> None:
    """Refuse the prompt `long`, answer the others."""
    is_long = exchange.request.body["messages"][-1]["content"] == "long"
    await (replies.error(400, "the prompt is too long") if is_long else GOOD)(exchange)


def test_it_fills_the_session_once(tmp_path: Path) -> None:
    with serving(ChatServer(GOOD)) as server:
        person = Person(tmp_path, server=server.url)
        person.prompts("one", "two", "three")
        first = person.run("generate", "prompts.toml", "-n", "2", "--limit", "1")
        second = person.run("generate", "prompts.toml", "-n", "2")
        third = person.run("generate", "prompts.toml", "-n", "2")
    assert (first.returncode, second.returncode, third.returncode) == (0, 0, 0)
    assert "3 of 3 groups complete: 4 responses" in second.stderr
    assert "3 of 3 groups complete: 0 responses" in third.stderr
    assert len(server.requests) == 3
    texts = [[each.completion.text for each in group.responses] for group in person.groups()]
    assert texts == [["a", "b"]] * 3


def test_it_says_why_responses_failed(tmp_path: Path) -> None:
    with serving(ChatServer(too_long_for_one)) as server:
        person = Person(tmp_path, server=server.url)
        person.prompts("one", "long")
        run = person.run("generate", "prompts.toml", "-n", "2")
    assert run.returncode == 1
    assert "2 failed" in run.stderr
    assert "the prompt is too long" in run.stderr


def test_it_says_what_is_wrong_with_the_server_and_when_it_is_back(tmp_path: Path) -> None:
    server = ChatServer(GOOD)
    server.script(replies.error(401, "Invalid API Key"))
    with serving(server):
        person = Person(tmp_path, server=server.url)
        person.prompts("one")
        run = person.run("generate", "prompts.toml", "-n", "2")
    assert run.returncode == 0
    assert "Invalid API Key" in run.stderr
    assert f"{server.url} is back" in run.stderr


def test_a_server_that_asks_to_wait_is_told_once_and_is_back_when_it_answers(
    tmp_path: Path,
) -> None:
    server = ChatServer(GOOD)
    server.script(*[replies.error(429, "slow down", {"Retry-After": "3"})] * 2)
    with serving(server):
        person = Person(tmp_path, server=server.url)
        person.prompts("one")
        run = person.run("generate", "prompts.toml", "-n", "2")
    told = [line for line in run.stderr.splitlines() if server.url in line]
    assert run.returncode == 0
    advice = "Wait for it, or send less at once. · next try in 3s"
    assert told == [
        f"{server.url} answers 429: slow down · {advice}",
        f"{server.url} is back",
    ]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@pytest.mark.parametrize("settings", [(), ("--model", MODEL)], ids=["any model", "named model"])
def test_it_waits_for_a_server_that_is_not_there_yet(
    tmp_path: Path, settings: tuple[str, ...]
) -> None:
    port = free_port()
    person = Person(tmp_path, server=f"http://127.0.0.1:{port}/v1")
    person.prompts("one", "two")
    with person.start("generate", "prompts.toml", "-n", "2", *settings, cols=160) as terminal:
        terminal.wait_for("Nothing answers at")
        terminal.wait_for("Waiting for the server; Ctrl-C ends.")
        with serving(ChatServer(GOOD, port=port)):
            assert terminal.wait_exit() == 0
        assert "here it is" in terminal.screen()
        assert "2 of 2 groups complete" in terminal.screen()
    texts = [[each.completion.text for each in group.responses] for group in person.groups()]
    assert texts == [["a", "b"]] * 2


def test_it_waits_for_a_server_that_is_still_loading(tmp_path: Path) -> None:
    server = ChatServer(GOOD)
    good_list, server.models_reply = server.models_reply, replies.error(503, "Loading model")
    with serving(server):
        person = Person(tmp_path, server=server.url)
        person.prompts("one")
        with person.start("generate", "prompts.toml", "-n", "2", cols=160) as terminal:
            terminal.wait_for("Loading model")
            terminal.wait_for("Waiting for the server; Ctrl-C ends.")
            server.models_reply = good_list
            assert terminal.wait_exit() == 0
            assert terminal.screen().count("Loading model") == 1


@pytest.mark.parametrize("settings", [(), ("--model", MODEL)], ids=["any model", "named model"])
def test_ctrl_c_ends_the_wait(tmp_path: Path, settings: tuple[str, ...]) -> None:
    person = Person(tmp_path, server=f"http://127.0.0.1:{free_port()}/v1")
    person.prompts("one")
    with person.start("generate", "prompts.toml", *settings, cols=160) as terminal:
        terminal.wait_for("Waiting for the server; Ctrl-C ends.")
        terminal.press("ctrl+c")
        assert terminal.wait_exit() == 130
        assert "Traceback" not in terminal.screen()
    assert len(person.groups()) == 1


def test_it_fails_at_once_if_that_is_asked_for(tmp_path: Path) -> None:
    person = Person(tmp_path, server=f"http://127.0.0.1:{free_port()}/v1")
    person.prompts("one")
    before = person.left_behind()
    run = person.run("generate", "prompts.toml", "--no-wait")
    assert run.returncode == 1
    assert "Nothing answers at" in run.stderr
    assert "Waiting" not in run.stderr
    assert person.left_behind() == before


def test_a_certificate_that_is_not_trusted_is_not_waited_for(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with serving(ChatServer(GOOD, tls=authority.serve("127.0.0.1"))) as server:
        person = Person(tmp_path, server=server.url)
        person.prompts("one")
        refused = person.run("generate", "prompts.toml", "--model", MODEL)
        run = person.run("generate", "prompts.toml", "-n", "2", SSL_CERT_FILE=str(authority.pem))
    assert (refused.returncode, run.returncode) == (1, 0)
    assert "is not trusted" in refused.stderr
    assert "Waiting" not in refused.stderr


def test_what_somebody_has_to_mend_is_not_waited_for(tmp_path: Path) -> None:
    server = ChatServer(GOOD)
    server.models_reply = replies.error(401, "Invalid API Key")
    with serving(server):
        person = Person(tmp_path, server=server.url)
        person.prompts("one")
        run = person.run("generate", "prompts.toml")
    assert run.returncode == 1
    assert "Invalid API Key" in run.stderr
    assert "Waiting" not in run.stderr
