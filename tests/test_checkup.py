"""The doctor command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dpo_tui.backend.discovery import Candidate
from dpo_tui.checkup import check_up, print_json, print_report
from dpo_tui.cli import main
from dpo_tui.errors import ConnectError
from dpo_tui.settings import Settings
from dpo_tui.source_tables import EndpointSettings
from tests.servers import replies
from tests.servers.process import persona_process
from tests.servers.wire import ChatServer

GOOD = replies.completion("one two three")
NASTY = "\x1b]52;c;aGk=\x07 \x1b[31m[b]red[/b] \u202e\x9b5m end"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("DPO_TUI_BASE_URL", "DPO_TUI_MODEL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    with persona_process("echo", slots=4) as url:
        yield url


def test_json_is_all_that_is_printed(echo: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--base-url", echo, "--concurrency", "3", "--json"]) == 0
    printed = capsys.readouterr()
    report = json.loads(printed.out)
    assert printed.err == ""
    assert report["usable"]
    (endpoint,) = report["endpoints"]
    assert endpoint["base_url"] == echo
    assert endpoint["n"] == {"asked": 3, "given": 3}
    assert endpoint["seed"] == "honoured"
    assert endpoint["streams"]["answered"] == 3


def test_the_endpoints_of_the_config_are_looked_at(
    echo: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = home / "config" / "dpo-tui" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(
        f'[[endpoint]]\nbase_url = "http://127.0.0.1:1/v1"\n[[endpoint]]\nbase_url = "{echo}"\n'
    )
    assert main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 80
    assert "Nothing answers at http://127.0.0.1:1/v1" in " ".join(told.split())
    assert f'base_url = "{echo}"' in told


def test_nothing_usable_is_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--base-url", "http://127.0.0.1:1/v1"]) == 1
    assert "what to do" in capsys.readouterr().out
    assert main(["doctor", "--base-url", "http://127.0.0.1:1/v1", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["usable"] is False


def test_a_base_url_that_is_none_is_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--base-url", "ftp://x", "--json"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "--base-url: expected a URL" in printed.err


async def test_servers_of_this_machine_are_found(capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    async with ChatServer(GOOD) as one, ChatServer(GOOD, models=("a", "b")) as several:
        candidates = [Candidate(one.url, "vLLM"), Candidate(several.url, "Ollama")]
        diagnoses = await check_up(Settings(), lambda _: None, said.append, candidates)
    print_report(diagnoses)
    told = capsys.readouterr().out
    assert said[0] == "Looking at the usual ports of this machine"
    assert [each.is_usable for each in diagnoses] == [True, False]
    assert "several models: a, b" in " ".join(told.split())
    assert "--model a" in told


async def test_nothing_found_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert await check_up(Settings(), lambda _: None, lambda _: None, []) == []
    with pytest.raises(ConnectError, match="No model server answers"):
        print_report([])
    print_json([])
    report = json.loads(capsys.readouterr().out)
    assert (report["usable"], report["endpoints"]) == (False, [])
    assert "--base-url" in report["remedy"]


async def test_foreign_text_does_not_act(capsys: pytest.CaptureFixture[str]) -> None:
    async with ChatServer(GOOD, models=(NASTY,)) as good, ChatServer() as bad:
        bad.models_reply = replies.error(500, NASTY)
        endpoints = tuple(
            EndpointSettings(each.url, None, "OPENAI_API_KEY", 2) for each in (good, bad)
        )
        settings = Settings(endpoints=endpoints)
        diagnoses = await check_up(settings, lambda _: None, lambda _: None)
    print_report(diagnoses)
    print_json(diagnoses)
    told = capsys.readouterr().out
    assert not set(told) & set("\x1b\x07\x9b\u202e")
    assert "[b]red[/b]" in told
