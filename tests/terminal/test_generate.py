"""`dpo-tui generate` as a batch job sees it: plain lines, and an exit code that tells."""

from pathlib import Path

from tests.servers import replies
from tests.servers.wire import ChatServer, Exchange
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
