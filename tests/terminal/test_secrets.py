"""An API key stays in memory: no file, no screen, no list of processes has it."""

from pathlib import Path

import pytest

from tests.servers import replies
from tests.servers.wire import ChatServer, Reply
from tests.terminal.program import Person, are_ready, serving
from tests.terminal.terminal import Terminal

KEY = "sk-very-secret-0123456789"
REFUSAL = f"Incorrect API key provided: {KEY}. You can find yours at {KEY[:12]}."


def echoing(status: int) -> Reply:
    """An error that repeats the key, in its words and headers."""
    return replies.error(status, REFUSAL, {"X-Key": KEY, "WWW-Authenticate": f"Bearer {KEY}"})


def assert_nowhere(person: Person, *terminals: Terminal) -> None:
    for path in person.left_behind():
        assert KEY.encode() not in path.read_bytes(), path
    for terminal in terminals:
        assert KEY.encode() not in terminal.raw
        assert KEY not in terminal.screen().replace("\n", "")


@pytest.mark.parametrize(
    ("variable", "flags"),
    [("OPENAI_API_KEY", ()), ("MY_KEY", ("--api-key-env", "MY_KEY"))],
    ids=["default", "--api-key-env"],
)
@pytest.mark.parametrize("status", [401, 500])
def test_a_key_is_sent_and_nothing_else(
    tmp_path: Path, variable: str, flags: tuple[str, ...], status: int
) -> None:
    with serving(ChatServer(replies.completion("yes", "no", "perhaps"))) as server:
        person = Person(tmp_path, server=server.url)
        person.prompts("one", "two", "three")
        person.environment[variable] = KEY
        with person.annotate("--ahead", "0", *flags) as terminal:
            terminal.wait_for(lambda screen: are_ready(screen, "○○○"))
            terminal.press("1")
            terminal.wait_for(lambda screen: are_ready(screen, "✔○○"))
            server.reply = echoing(status)
            terminal.press("enter")
            terminal.wait_for(lambda screen: " 2/3 " in screen and "2 pairs" in screen)
            terminal.wait_for(lambda screen: "Incorrect" in screen or variable in screen)
            assert KEY.encode() not in Path(f"/proc/{terminal.pid}/cmdline").read_bytes()
            assert any(path.name.endswith("-wal") for path in person.left_behind())
            assert_nowhere(person, terminal)
            terminal.press("q")
            assert terminal.wait_exit() == 0
            assert_nowhere(person, terminal)
        assert {each.headers["authorization"] for each in server.requests} == {f"Bearer {KEY}"}
        assert len(person.rows()) == 2


def test_a_key_that_is_refused_at_once_is_not_repeated(tmp_path: Path) -> None:
    server = ChatServer()
    server.any_reply = echoing(401)
    with serving(server):
        person = Person(tmp_path, server=server.url)
        person.prompts("one")
        person.environment["OPENAI_API_KEY"] = KEY
        with person.annotate() as terminal:
            assert terminal.wait_exit() == 1
            assert "OPENAI_API_KEY" in terminal.screen()
            assert_nowhere(person, terminal)


@pytest.mark.parametrize("flag", ["--api-key-env", "--base-url"])
def test_a_key_in_the_wrong_place_is_not_repeated(tmp_path: Path, flag: str) -> None:
    person = Person(tmp_path)
    person.prompts("one")
    value = f"http://me:{KEY}@127.0.0.1:1/v1" if flag == "--base-url" else KEY
    result = person.run("annotate", "prompts.toml", flag, value)
    assert result.returncode == 2
    assert KEY not in result.stderr + result.stdout
