"""The command line without a terminal: help, the small commands, and input that is wrong."""

import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import shtab

from dpo_tui.arguments import make_parser
from dpo_tui.completion import SHELLS
from dpo_tui.store.database import Journal, journal_of
from tests.servers.process import persona_process
from tests.terminal.program import PROGRAM, Person
from tests.terminal.terminal import Terminal
from tests.unprivileged import run_unprivileged

ONE = 'user = ["one"]\n'
READY = '[[prompt]]\nuser = "one"\nresponses = ["yes", "no"]\n'


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path)


def refused(person: Person, *arguments: str, **variables: str) -> str:
    """The message of a run that is ended with exit code 2 and leaves everything as it was."""
    before = person.left_behind()
    result = person.run(*arguments, **variables)
    assert (result.returncode, result.stdout) == (2, ""), result
    assert "Traceback" not in result.stderr
    assert person.left_behind() == before
    return result.stderr


# --- help ----------------------------------------------------------------------------------------


def test_help(person: Person) -> None:
    result = person.run("--help")
    assert (result.returncode, result.stderr) == (0, "")
    for word in (
        "annotate",
        "generate",
        "init",
        "sessions",
        "history",
        "verify",
        "--version",
        "--print-completion",
    ):
        assert word in result.stdout


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("annotate", ["PROMPTS", "--base-url", "OPENAI_API_KEY", "--local", "--fresh", "2 to 20"]),
        ("init", ["prompts.toml", "--config"]),
        ("generate", ["PROMPTS", "--limit", "--base-url"]),
        ("convert", ["--to", "better", "scores", "reference"]),
        ("sessions", ["decided"]),
        ("history", ["PROMPTS", "--session", "--annotator", "--limit", "--json"]),
        ("verify", ["PROMPTS", "--session", "--repair"]),
        ("backup", ["PATH", "PROMPTS", "--session"]),
        ("report", ["PROMPTS", "--session", "--annotator", "--json"]),
    ],
)
def test_help_of_a_command(person: Person, command: str, words: list[str]) -> None:
    result = person.run(command, "--help", COLUMNS="80")
    assert (result.returncode, result.stderr) == (0, "")
    assert [word for word in words if word not in result.stdout] == []
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_version(person: Person) -> None:
    result = person.run("--version")
    assert (result.returncode, result.stdout) == (0, f"dpo-tui {version('dpo-tui')}\n")


def test_completion_is_a_script_that_bash_takes(person: Person) -> None:
    result = person.run("--print-completion", "bash")
    assert (result.returncode, result.stderr) == (0, "")
    assert "--base-url" in result.stdout
    subprocess.run(["bash", "-n"], input=result.stdout, text=True, check=True)


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_knows_every_shell_and_where_files_are_named(shell: str) -> None:
    parser = make_parser()
    assert list(SHELLS) == shtab.SUPPORTED_SHELLS
    script = shtab.complete(parser, shell)
    assert str(shtab.FILE[shell]) in script
    assert "print-completion" in script


def test_nothing_is_imported_at_the_start_that_labelling_does_not_need(person: Person) -> None:
    heavy = "('shtab', 'importlib.metadata', 'click', 'pygments')"
    parts = "dpo_tui.cli, dpo_tui.prompts, dpo_tui.main, dpo_tui.tui.app"
    code = f"import sys, {parts}; print([each for each in {heavy} if each in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env=person.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == "[]\n"


def piped_to_nobody(person: Person, words: str, *, pipe: str = "|") -> tuple[str, str]:
    """The exit code of a command whose reader has gone, and what it said elsewhere."""
    command = f"{shlex.join(PROGRAM)} {words} {pipe} true; echo ${{PIPESTATUS[0]}}"
    result = subprocess.run(
        ["bash", "-c", command],
        env=person.environment,
        cwd=person.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout.strip(), result.stderr


def test_a_reader_that_leaves_early_is_no_error(person: Person) -> None:
    assert piped_to_nobody(person, "--print-completion bash") == ("0", "")


def test_a_reader_of_a_report_that_leaves_early_is_no_error(person: Person) -> None:
    with persona_process("echo") as url:
        for words in ("doctor", "doctor --json"):
            assert piped_to_nobody(person, f"{words} --base-url {url}") == ("0", "")
        person.prompts("one", "two")
        settings = f"prompts.toml --base-url {url}"
        # A night's work doesn't end with the terminal that its words went to.
        code, _ = piped_to_nobody(person, f"generate {settings}", pipe="|&")
        assert code == "0"
    assert [len(group.responses) for group in person.groups()] == [4, 4]
    for words in ("sessions", "history prompts.toml"):
        assert piped_to_nobody(person, words) == ("0", "")


# --- init and sessions ---------------------------------------------------------------------------


def test_init_writes_a_file_that_works_and_never_overwrites(person: Person) -> None:
    result = person.run("init")
    assert (result.returncode, result.stderr) == (0, "")
    assert "dpo-tui annotate prompts.toml" in result.stdout
    assert "needs a terminal" in refused(person, "annotate", "prompts.toml")
    written = (person.folder / "prompts.toml").read_bytes()
    assert "prompts.toml: there is something already" in refused(person, "init")
    assert (person.folder / "prompts.toml").read_bytes() == written


def test_init_writes_the_config_for_the_user_alone(person: Person) -> None:
    result = person.run("init", "--config", "mine.toml")
    assert result.returncode == 0
    (config,) = person.home.rglob("config.toml")
    assert str(config) in result.stdout
    assert config.stat().st_mode & 0o077 == 0
    assert config.parent.stat().st_mode & 0o077 == 0
    assert "needs a terminal" in refused(person, "annotate", "mine.toml")
    config.write_text("n = 21\n")
    assert f"{config}: key n" in refused(person, "annotate", "mine.toml")


def test_init_into_a_folder_that_is_not_there(person: Person) -> None:
    assert "nowhere/prompts.toml: can't be written" in refused(
        person, "init", "nowhere/prompts.toml"
    )


def test_sessions(person: Person) -> None:
    none = person.run("sessions")
    assert (none.returncode, none.stderr) == (0, "")
    assert "dpo-tui annotate" in none.stdout

    person.write("prompts.toml", '[[prompt]]\nuser = "one"\nresponses = ["yes", "no"]\n')
    with person.start("annotate", "prompts.toml") as terminal:
        terminal.wait_for(" 1/1 ")
        terminal.press("1", "enter")
        terminal.wait_for("Every group is decided")
        terminal.press("q")
        assert terminal.wait_exit() == 0
    some = person.run("sessions", COLUMNS="40")  # of no terminal: a pipe has no width
    assert (some.returncode, some.stderr) == (0, "")
    heading, line = some.stdout.splitlines()
    assert heading.split()[-1] == "session"
    assert line.split()[1:6] == ["1", "0", "0", "0", "1"], (
        "confirmed, skipped, flagged, left, pairs"
    )
    assert line.split()[0].endswith("prompts.toml")
    assert line.split()[-1].startswith("prompts-")

    damaged = person.session().with_name("damaged.db")
    damaged.write_bytes(b"no session")
    both = person.run("sessions", COLUMNS="200")
    assert both.returncode == 1
    assert both.stdout == some.stdout
    assert str(damaged) in both.stderr
    assert "Traceback" not in both.stderr


@pytest.mark.parametrize("leads_to", ["nowhere.db", "bad.db"])
def test_sessions_beside_a_link_that_leads_nowhere(person: Person, leads_to: str) -> None:
    person.write("prompts.toml", READY)
    assert person.run("generate", "prompts.toml").returncode == 0
    link = person.session().with_name("bad.db")
    link.symlink_to(leads_to)
    result = person.run("sessions")
    assert result.returncode == 1
    assert "prompts.toml" in result.stdout
    assert str(link) in result.stderr
    assert "fault of its own" not in result.stderr


@pytest.mark.parametrize("words", ["sessions", "verify prompts.toml", "generate prompts.toml"])
def test_a_folder_of_sessions_that_may_not_be_read_is_told(person: Person, words: str) -> None:
    person.write("prompts.toml", READY)
    assert person.run("generate", "prompts.toml").returncode == 0
    folder = person.session().parent
    folder.chmod(0)
    result = run_unprivileged(person, *words.split())
    folder.chmod(0o700)
    assert (result.returncode, result.stdout) == (2, "")
    assert f"{folder}: can't be used as a folder: Permission denied" in result.stderr


def test_a_session_that_may_not_be_written_is_left_without_logs(person: Person) -> None:
    person.write("prompts.toml", READY)
    assert run_unprivileged(person, "generate", "prompts.toml").returncode == 0
    session = person.session()
    session.chmod(0o400)
    refused = run_unprivileged(person, "generate", "prompts.toml")
    assert refused.returncode == 1
    assert f"{session.name} can't be written" in refused.stderr
    session.chmod(0o600)
    assert run_unprivileged(person, "generate", "prompts.toml").returncode == 0


def test_a_log_that_may_not_be_written_is_named(person: Person) -> None:
    person.write("prompts.toml", READY)
    assert run_unprivileged(person, "generate", "prompts.toml").returncode == 0
    log = person.session().with_name(f"{person.session().name}-shm")
    log.touch(0o400)
    refused = run_unprivileged(person, "generate", "prompts.toml")
    assert refused.returncode == 1
    assert f"{log.name} can't be written" in refused.stderr
    assert str(log) in refused.stderr


def test_the_journal_of_a_session_can_be_set(person: Person) -> None:
    person.configure('journal = "truncate"\n')
    person.write("prompts.toml", READY)
    for words in (["generate", "prompts.toml"], ["verify", "prompts.toml", "--repair"]):
        assert person.run(*words).returncode == 0
        assert journal_of(person.session()) is Journal.TRUNCATE
    person.write("prompts.toml", f'journal = "wal"\n{READY}')
    assert person.run("generate", "prompts.toml").returncode == 0
    assert journal_of(person.session()) is Journal.WAL
    person.write("prompts.toml", f'journal = "off"\n{READY}')
    assert "journal: expected wal or truncate" in refused(person, "generate", "prompts.toml")


def test_the_command_that_goes_on_can_be_typed(person: Person) -> None:
    person.write("prompts.toml", '[[prompt]]\nuser = "one"\nresponses = ["yes", "no"]\n')
    flags = ("--no-shuffle", "--blind", "--near-duplicates", "0.8")
    with person.start("annotate", "prompts.toml", *flags, cols=160) as terminal:
        terminal.wait_for(" 1/1 ")
        terminal.press("q")
        assert terminal.wait_exit() == 0
        command = "dpo-tui annotate prompts.toml --near-duplicates 0.8 --no-shuffle --blind"
        words = terminal.screen().split()
    assert set(command.split()) <= set(words)
    assert "''" not in words


@pytest.mark.parametrize("command", ["generate", "verify", "history", "report", "export"])
def test_an_empty_name_is_no_session(person: Person, command: str) -> None:
    person.write("prompts.toml", '[[prompt]]\nuser = "one"\nresponses = ["yes", "no"]\n')
    prompts = ["prompts.toml"] if command == "generate" else []
    result = person.run(command, *prompts, "--session", "")
    assert result.returncode == 2
    assert "--session: the name is empty" in result.stderr


def test_a_limit_is_no_negative_number(person: Person) -> None:
    person.write("prompts.toml", '[[prompt]]\nuser = "one"\nresponses = ["yes", "no"]\n')
    result = person.run("generate", "prompts.toml", "--limit", "-1")
    assert result.returncode == 2
    assert "--limit: expected a number of at least 0" in result.stderr


# --- input that is wrong -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param('user = ["one"\nn = 3', "prompts.toml: not valid TOML", id="broken"),
        pytest.param("user = [1]", "prompts.toml: key user, number 1: expected text", id="type"),
        pytest.param(f'{ONE}n = "four"', "prompts.toml: key n: expected a whole", id="setting"),
        pytest.param(f"{ONE}n = 21", "prompts.toml: key n: expected", id="n"),
        pytest.param(f"{ONE}temprature = 1", "temperature", id="misspelt"),
        pytest.param(f'{ONE}api_key = "sk"', "an API key doesn't belong in a file", id="key"),
        pytest.param('[[prompt]]\nuser = ""', "[[prompt]] number 1", id="empty prompt"),
        pytest.param(f'{ONE}include = ["no.txt"]', "no.txt: there is no such file", id="include"),
        pytest.param(f'{ONE}include = ["."]', "this is a folder", id="included folder"),
    ],
)
def test_a_prompts_file_that_is_wrong(person: Person, text: str, words: str) -> None:
    person.write("prompts.toml", text)
    assert words in refused(person, "annotate", "prompts.toml")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.toml", "missing.toml: there is no such file"),
        (".", "this is a folder"),
        ("prompts.docx", "prompts.docx: not a form of prompts file"),
        ("binary.toml", "binary.toml: line 1: not UTF-8"),
    ],
)
def test_a_prompts_file_that_is_none(person: Person, name: str, words: str) -> None:
    person.write("prompts.docx", "one")
    (person.folder / "binary.toml").write_bytes(b"\xff\xfe\x00")
    assert words in refused(person, "annotate", name)


def test_a_prompts_file_that_may_not_be_read(person: Person) -> None:
    person.write("prompts.toml", ONE).chmod(0)
    result = run_unprivileged(person, "annotate", "prompts.toml")
    assert result.returncode == 2
    assert "chmod u+r" in result.stderr


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["-n", "1"], "-n: expected"),
        (["-n", "21"], "-n: expected"),
        (["-n", "many"], "-n: expected a whole number"),
        (["--temperature", "-1"], "--temperature: expected"),
        (["--top-p", "2"], "--top-p: expected"),
        (["--max-tokens", "0"], "--max-tokens: expected"),
        (["--seed", "x"], "--seed: expected a whole number"),
        (["--concurrency", "0"], "--concurrency: expected"),
        (["--base-url", " "], "--base-url: expected"),
        (["--session", " "], "--session: the name is empty"),
        (["--what"], "unrecognized arguments: --what"),
        (["--model"], "--model: expected one argument"),
    ],
)
def test_flags_that_are_wrong(person: Person, flags: list[str], words: str) -> None:
    person.write("prompts.toml", ONE)
    assert words in refused(person, "annotate", "prompts.toml", *flags)


def test_variables_that_are_wrong(person: Person) -> None:
    person.write("prompts.toml", ONE)
    for name, value in {"DPO_TUI_N": "1", "DPO_TUI_TEMPERATURE": "hot"}.items():
        assert f"{name}: expected" in refused(person, "annotate", "prompts.toml", **{name: value})


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('skip = "ctrl+1"', ["config.toml: key keys.skip: 'ctrl+1'", "tmux", "A key is"]),
        ('skip = "u"', ["config.toml: key keys.skip: 'u' is also the key of undo"]),
        ('skp = "u"', ["config.toml: key keys.skp: not a known key", "Did you mean skip?"]),
    ],
)
def test_keys_that_are_wrong(person: Person, table: str, words: list[str]) -> None:
    person.write("prompts.toml", ONE)
    person.configure(f"[keys]\n{table}\n")
    said = refused(person, "annotate", "prompts.toml")
    assert [word for word in words if word not in said] == []


def test_no_command(person: Person) -> None:
    assert "COMMAND" in refused(person)
    assert "lable" in refused(person, "lable")


@pytest.mark.parametrize("redirection", ["< /dev/null", "| cat", "2> log", "<&-"])
def test_a_screen_needs_a_whole_terminal(person: Person, redirection: str) -> None:
    person.write("prompts.txt", "one\n")
    script = f"{shlex.join(PROGRAM)} annotate prompts.txt {redirection}; echo ${{PIPESTATUS[0]}}"
    command = ["bash", "-c", script]
    with Terminal(command, env=person.environment, cwd=person.folder) as terminal:
        terminal.wait_exit()
        said = terminal.screen() + "".join(each.read_text() for each in person.folder.glob("log"))
        assert "annotate needs a terminal" in said
        assert "\n2\n" in f"\n{said}"
        assert b"\x1b" not in terminal.raw
