"""What the program can't begin with: one clear message, the right code, nothing left behind."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers import replies
from tests.servers.process import ROOT, persona_process
from tests.servers.wire import MODEL, ChatServer, Reply
from tests.terminal.program import PROGRAM, Person, serving
from tests.terminal.terminal import Terminal

NOBODY = "http://127.0.0.1:9/v1"  # the discard port
ALONE = ("unshare", "--map-root-user", "--net")
"""A network of its own, where no port is anybody's."""


@pytest.fixture
def person(tmp_path: Path) -> Person:
    person = Person(tmp_path)
    person.prompts("one")
    return person


def message(terminal: Terminal, code: int) -> str:
    """What is said, in a few lines, at the end with this exit code."""
    assert terminal.wait_exit() == code, terminal.picture()
    assert b"\x1b" not in terminal.raw
    said = terminal.screen().strip()
    assert "Traceback" not in said
    assert said.startswith("dpo-tui: ")
    assert said.count("\n") < 6
    return said


def refused(person: Person, *arguments: str, code: int = 1) -> str:
    """The message of a run that leaves everything as it was."""
    before = person.left_behind()
    with person.annotate(*arguments, cols=250) as terminal:
        said = message(terminal, code)
    assert person.left_behind() == before
    return said


def test_nothing_answers(person: Person) -> None:
    said = refused(person, "--base-url", NOBODY)
    assert f"Nothing answers at {NOBODY}" in said


HTML = replies.html(200, "Welcome")
KEYLESS = replies.error(401, "Unauthorized")


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        pytest.param(KEYLESS, ["401", "OPENAI_API_KEY"], id="key"),
        pytest.param(HTML, ["no OpenAI-compatible server", "Welcome"], id="another web site"),
        pytest.param(replies.plain(200, b"[1, 2]"), [], id="other JSON"),
        pytest.param(replies.error(500, "CUDA out of memory"), ["CUDA out of memory"], id="broken"),
        pytest.param(replies.bytes_and_cut(b"SSH-2.0-OpenSSH_9.6\r\n"), [], id="not HTTP"),
        pytest.param(replies.bytes_and_cut(b""), [], id="hangs up"),
    ],
)
def test_what_answers_is_of_no_use(person: Person, reply: Reply, words: list[str]) -> None:
    server = ChatServer()
    server.any_reply = reply
    with serving(server):
        said = refused(person, "--base-url", server.url)
    assert server.url in said
    assert [word for word in words if word not in said] == []


def test_the_model_is_not_there(person: Person) -> None:
    with serving(ChatServer()) as server:
        said = refused(person, "--base-url", server.url, "--model", "gpt-17")
    assert "gpt-17" in said
    assert MODEL in said, "what there is instead"


def test_there_are_several_models(person: Person) -> None:
    with serving(ChatServer(models=("big", "small"))) as server:
        said = refused(person, "--base-url", server.url, code=2)
    assert "big, small" in said
    assert "--model big" in said


can_be_alone = pytest.mark.skipif(
    subprocess.run([*ALONE, "ip", "link"], capture_output=True, check=False).returncode != 0,
    reason="needs a network namespace",
)


@can_be_alone
def test_no_server_is_found(person: Person) -> None:
    command = [*ALONE, *PROGRAM, "annotate", "prompts.toml"]
    with Terminal(command, cols=250, env=person.environment, cwd=person.folder) as terminal:
        said = message(terminal, 1)
    for word in ("vLLM 8000", "TGI 3000", "--base-url", "--local"):
        assert word in said


WITH_TWO_SERVERS = """\
import subprocess, sys
from tests.servers.process import persona_process
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
with persona_process("echo", port=8000), persona_process("echo", port=8080):
    sys.exit(subprocess.call(sys.argv[1:]))
"""


@can_be_alone
def test_several_servers_are_found(person: Person) -> None:
    prompts = str(person.folder / "prompts.toml")
    command = [*ALONE, sys.executable, "-c", WITH_TWO_SERVERS, *PROGRAM, "annotate", prompts]
    with Terminal(command, cols=250, env=person.environment, cwd=ROOT) as terminal:
        said = message(terminal, 2)
    for word in ("http://127.0.0.1:8000/v1 (", "http://127.0.0.1:8080/v1 (", MODEL, "--base-url"):
        assert word in said


def folder_as_output(person: Person) -> str:
    (person.folder / "out").mkdir()
    return "out"


def under_a_file(person: Person) -> str:
    person.write("file", "")
    return "file/pairs.jsonl"


def in_no_folder(_: Person) -> str:
    return "nowhere/pairs.jsonl"


def through_a_broken_link(person: Person) -> str:
    (person.folder / "link.jsonl").symlink_to("nowhere/pairs.jsonl")
    return "link.jsonl"


@pytest.mark.parametrize(
    "make", [folder_as_output, under_a_file, in_no_folder, through_a_broken_link]
)
def test_the_dataset_can_not_be_written(person: Person, make: Callable[[Person], str]) -> None:
    output = make(person)
    said = refused(person, "--base-url", NOBODY, "--output", output)
    assert "can't be written" in said or "not a regular file" in said
    assert "--output" in said


@pytest.mark.parametrize("data", [b"not a database", b"SQLite format 3\0" + bytes(200)])
def test_the_session_is_damaged_or_no_session(person: Person, data: bytes) -> None:
    path = person.folder / "mine.db"
    path.write_bytes(data)
    said = refused(person, "--base-url", NOBODY, "--session", "mine.db")
    assert str(path) in said
    assert "--session" in said
    assert path.read_bytes() == data


def test_the_session_has_no_folder(person: Person) -> None:
    said = refused(person, "--base-url", NOBODY, "--session", "nowhere/mine.db")
    assert str(person.folder / "nowhere") in said


def test_the_session_is_in_use(person: Person) -> None:
    with persona_process("echo") as url:
        settings = ("--base-url", url, "--session", "mine")
        with person.annotate(*settings) as first:
            first.wait_for(" 1/1 ")
            with person.annotate(*settings, cols=250) as second:
                said = message(second, 1)
            assert f"process {first.pid} on " in said
            assert "--annotator" in said
            first.press("q")
            assert first.wait_exit() == 0


def test_a_loader_that_fails(person: Person) -> None:
    person.write("prompts.toml", 'loader = "mine:make"\n')
    person.write("mine.py", "def make():\n    yield 'one'\n    raise KeyError('topic')\n")
    with person.annotate("--base-url", NOBODY, "--allow-loader", cols=250) as terminal:
        said = message(terminal, 2)
    assert "mine:make" in said
    assert not list(person.home.rglob("*.db"))


def test_a_loader_that_nobody_allowed(person: Person) -> None:
    person.write("prompts.toml", 'loader = "mine:make"\n')
    person.write("mine.py", "raise SystemExit('it ran')\n")
    said = refused(person, "--base-url", NOBODY, code=2)
    assert "the loader mine:make is code that runs as you" in said


def test_a_line_that_is_wrong(person: Person) -> None:
    rows = [json.dumps({"user": "one"}), json.dumps({"user": 2})]
    person.write("more.jsonl", "\n".join(rows))
    person.write("prompts.toml", 'include = ["more.jsonl"]\n')
    said = refused(person, "--base-url", NOBODY, code=2)
    assert said.endswith("more.jsonl: line 2, key user: expected text, found 2")
