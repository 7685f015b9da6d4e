"""Nothing that others wrote acts on the terminal; all of it shows."""

import json
from pathlib import Path

import pytest

from tests.servers import replies
from tests.servers.process import persona_process
from tests.servers.wire import ChatServer
from tests.terminal.program import Person, are_ready, serving

EVIL = "\x1b]0;INJECTED\x07\x1b]52;c;SU5KRUNURUQ=\x07\x1b[5m\x9b31m\u202edesrever\u200b[b]bold[/b]"
SHOWN = "␛]0;INJECTED␇␛]52;c;SU5KRUNURUQ=␇␛[5m\ufffd31m<U+202E>desrever<U+200B>[b]bold[/b]"
NEVER = (
    *(b"\x1b]", b"\x1b[2J", b"\x1b[5m", b"\x1bP", b"\x07", b"\x08", b"\x7f", b"\x00"),
    *(character.encode() for character in "\x90\x9b\x9d\u200b\u202e\u202c\u2066\u2069"),
)


POINTER = b"\x1b]22;default\x07"
"""Textual resets the pointer's shape."""


def assert_clean(raw: bytes, name: str = "prompts.toml") -> None:
    """Nothing acts but what is our own: `name` is what the terminal's title says."""
    title = f"\x1b]0;dpo-tui: {name}\x07".encode()
    raw = raw.replace(POINTER, b"").replace(title, b"", 1)
    assert [sequence for sequence in NEVER if sequence in raw] == []


def shows(screen: str, text: str) -> bool:
    """Whether a text is on the screen, however its lines are wrapped."""
    return "".join(text.split()) in "".join(screen.split())


def test_from_a_model_and_from_prompts(tmp_path: Path) -> None:
    with persona_process("injection") as url:
        person = Person(tmp_path, server=url)
        person.write(
            "prompts.toml",
            f"system = [{json.dumps(EVIL)}]\nuser = {json.dumps([f'1 {EVIL}', f'2 {EVIL}'])}\n",
        )
        with person.annotate("-n", "8", cols=150, rows=80) as terminal:
            terminal.wait_for(lambda screen: are_ready(screen, "○○○○○○○○"))
            terminal.press("1")
            screen = terminal.wait_for(lambda screen: are_ready(screen, "✔○○○○○○○"))
            for shown in (
                SHOWN,
                f"1 {SHOWN}",
                "␛]52;c;SU5KRUNURUQ=␇ clipboard",
                "␛[2J␛[31m cleared and red",
                "\ufffd31m\ufffdq C1 controls",
                "[/b] [bold red]markup[/] [link=http://example.org]x[/link]",
                "&#27;[31m &lt;b&gt; ␛[5m bold <script>alert(1)</script>",
                "<U+202E>gnirts desrever<U+202C> <U+200B><U+2066>isolated<U+2069>",
                "bell ␇ backspace ␈␈ carriage␍return ␡ lone \ufffd end",
            ):
                assert shows(screen, shown), shown
            terminal.press("enter")
            terminal.wait_for(lambda screen: shows(screen, f"2 {SHOWN}"))
            terminal.press("q")
            assert terminal.wait_exit() == 0
            assert_clean(terminal.raw)
    chosen = person.rows()[0]["messages"]
    assert chosen[0]["content"] == EVIL, "the dataset has it as it was written"


def test_from_a_server_that_refuses_a_prompt(tmp_path: Path) -> None:
    with serving(ChatServer(replies.error(400, f"refused {EVIL}"))) as server:
        person = Person(tmp_path, server=server.url)
        person.prompts("one")
        with person.annotate(cols=150, rows=50) as terminal:
            terminal.wait_for(lambda screen: shows(screen, f"refused {SHOWN}"))
            terminal.press("q")
            assert terminal.wait_exit() == 0
            assert_clean(terminal.raw)


@pytest.mark.parametrize("status", [401, 404, 500, 503])
def test_from_a_server_that_refuses_everything(tmp_path: Path, status: int) -> None:
    server = ChatServer()
    server.any_reply = replies.error(status, f"refused {EVIL}")
    with serving(server):
        person = Person(tmp_path, server=server.url)
        person.prompts("one")
        with person.annotate(cols=158) as terminal:
            assert terminal.wait_exit() == 1
            assert_clean(terminal.raw)


def test_from_the_names_of_files(tmp_path: Path) -> None:
    person = Person(tmp_path)
    name = f"{EVIL.replace('/', '')}.jsonl"
    person.write(name, json.dumps({"user": "one", "responses": ["yes", "no"]}))
    with person.start("annotate", name, cols=200) as terminal:
        terminal.wait_for(lambda screen: shows(screen, SHOWN.replace("/", "")))
        terminal.press("s")
        terminal.wait_for("Every group is decided")
        terminal.press("q")
        assert terminal.wait_exit() == 0
        assert_clean(terminal.raw, f"{SHOWN.replace('/', '')}.jsonl")
    with person.start("sessions", cols=200) as terminal:
        assert terminal.wait_exit() == 0
        assert "INJECTED" in terminal.screen()
        assert_clean(terminal.raw)


@pytest.mark.parametrize(
    "arguments",
    [
        ("annotate", f"{EVIL}.toml"),
        ("annotate", "prompts.toml", f"--{EVIL}"),
        ("annotate", "prompts.toml", "-n", EVIL),
        ("annotate", "prompts.toml", "--model-file", f"{EVIL}.gguf", "--local"),
        ("annotate", "prompts.toml", "--session", f"./{EVIL}.db"),
        ("annotate", "prompts.toml", "--output", f"{EVIL}/a.jsonl"),
        ("init", f"{EVIL}/prompts.toml"),
        (EVIL,),
    ],
)
def test_from_what_was_typed(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    person = Person(tmp_path)
    person.write("prompts.toml", '[[prompt]]\nuser = "one"\nresponses = ["yes", "no"]\n')
    with person.start(*arguments, cols=200) as terminal:
        assert terminal.wait_exit() in {1, 2}
        assert "INJECTED" in terminal.screen()
        assert "Traceback" not in terminal.screen()
        assert_clean(terminal.raw)


def test_from_a_prompts_file_that_is_wrong(tmp_path: Path) -> None:
    person = Person(tmp_path)
    person.write("prompts.toml", f'user = ["one"]\n{json.dumps(EVIL)} = 1\n')
    with person.start("annotate", "prompts.toml", cols=200) as terminal:
        assert terminal.wait_exit() == 2
        assert "INJECTED" in terminal.screen()
        assert_clean(terminal.raw)


def test_pasted_text_does_not_act(tmp_path: Path) -> None:
    person = Person(tmp_path)
    person.write("prompts.toml", '[[prompt]]\nuser = "one"\nresponses = ["yes", "no"]\n')
    with person.annotate() as terminal:
        terminal.wait_for(" 1/1 ")
        terminal.send("\x1b[200~sss\r1q\x1b[201~")
        terminal.press("2")
        terminal.wait_for(lambda screen: are_ready(screen, "○✔"))
        terminal.press("q")
        assert terminal.wait_exit() == 0
        assert "0 confirmed, 0 skipped, 1 left" in terminal.screen()
