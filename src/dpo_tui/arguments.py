"""The arguments that the command line takes, and what `--help` says of them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from dpo_tui import __version__
from dpo_tui.completion import FILE, SHELLS, PrintCompletion
from dpo_tui.datasets.formats import FORMATS
from dpo_tui.display import display_line

_EPILOG = """\
Settings come from flags, else the environment (DPO_TUI_MODEL, ...), else the prompts file, else
the user's config.toml, else their defaults. `dpo-tui init --config` writes that file.
"""


class _Parser(argparse.ArgumentParser):
    """Repeats what was typed, which can be foreign, only as what is safe to show."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and leave with exit code 2."""
        super().error(display_line(message))


def _completes_files(argument: argparse.Action) -> None:
    """Let shells complete an argument with the names of files; argparse leaves that to others."""
    argument.complete = FILE  # type: ignore[attr-defined]


def make_parser() -> argparse.ArgumentParser:
    """The parser; it sets `command` to the name of the command that was asked for."""
    parser = _Parser(
        prog="dpo-tui",
        description="Label preference pairs (chosen / rejected) in the terminal, next to your own "
        "model server.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"dpo-tui {__version__}")
    parser.add_argument(
        "--print-completion",
        action=PrintCompletion,
        choices=SHELLS,
        help="print a completion script for your shell and leave",
    )
    commands = parser.add_subparsers(required=True, dest="command", metavar="COMMAND")
    _add_annotate(commands)
    _add_generate(commands)
    _add_doctor(commands)
    _add_init(commands)
    _add_sessions(commands)
    _add_history(commands)
    _add_verify(commands)
    _add_backup(commands)
    _add_export(commands)
    _add_push(commands)
    _add_report(commands)
    _add_convert(commands)
    return parser


def _add_annotate(commands: argparse._SubParsersAction[_Parser]) -> None:
    annotate = commands.add_parser(
        "annotate",
        help="label the responses to a file of prompts",
        description="Show the responses to one prompt after the other and label them. Stops and "
        "resumes at any time: the same prompts file always finds its own session again.",
        epilog=_EPILOG,
    )
    _add_work_arguments(annotate)
    _add_judging_arguments(annotate)
    _add_screen_arguments(annotate)


def _add_judging_arguments(annotate: _Parser) -> None:
    """What is shown of responses, and in which order."""
    judging = annotate.add_argument_group("judging")
    judging.add_argument(
        "--shuffle",
        action=argparse.BooleanOptionalAction,
        help="show cards in an order by chance (default)",
    )
    judging.add_argument(
        "--blind",
        action=argparse.BooleanOptionalAction,
        help="hide who made a response until you have decided (default: if there are several)",
    )
    judging.add_argument(
        "--show-lengths",
        action=argparse.BooleanOptionalAction,
        help="show token counts before you have decided (default)",
    )
    judging.add_argument(
        "--near-duplicates",
        metavar="S",
        help="similarity from which on responses count as nearly the same, 0 to 1 (default 0.9)",
    )
    judging.add_argument(
        "--reject-original",
        action=argparse.BooleanOptionalAction,
        help="mark a response that you edit as rejected",
    )
    judging.add_argument(
        "--skipped",
        action="store_true",
        default=None,
        help="let skipped groups come back once all others are decided",
    )


def _add_screen_arguments(annotate: _Parser) -> None:
    screen = annotate.add_argument_group("screen")
    screen.add_argument(
        "--slow-link",
        action="store_true",
        default=None,
        help="repaint half as often and in 256 colours",
    )
    screen.add_argument(
        "--theme",
        metavar="NAME",
        help="the colours: dpo-dark, dpo-light, dpo-16, or one of Textual's",
    )
    screen.add_argument(
        "--title", metavar="true|false", help="say in the terminal's title what is labelled"
    )
    screen.add_argument(
        "--bell",
        action="store_true",
        default=None,
        help="ring when the group that you wait for is complete, or a server goes down",
    )


def _add_generate(commands: argparse._SubParsersAction[_Parser]) -> None:
    generate = commands.add_parser(
        "generate",
        help="generate responses without a screen, to be labelled later",
        description="Generate what the undecided groups of a session lack. Can be stopped and run "
        "again at any time, and beside `annotate` on the same prompts file. A server that is still "
        "starting is waited for. Exit code 1 says that some responses failed.",
        epilog=_EPILOG,
    )
    generate.add_argument("--limit", type=int, metavar="N", help="fill at most N groups")
    generate.add_argument(
        "--no-wait",
        dest="wait",
        action="store_false",
        help="fail at once if the server can't be asked yet",
    )
    _add_work_arguments(generate)


def _add_work_arguments(command: _Parser) -> None:
    """The arguments of the commands that open a session and ask a server."""
    prompts = command.add_argument(
        "prompts",
        type=Path,
        metavar="PROMPTS",
        help="a file (.toml, .jsonl, .json, .csv, .tsv, .parquet, .txt; lines also as .gz), "
        "hf:owner/name[:split], or - for standard input",
    )
    _completes_files(prompts)
    server = _add_server_arguments(command)
    server.add_argument(
        "--local",
        action="store_true",
        help="start a small model of its own (needs the extra 'local')",
    )
    server.add_argument(
        "--model-file", metavar="GGUF", help="model for --local (default: the packaged one)"
    )
    sampling = command.add_argument_group("responses")
    sampling.add_argument("-n", metavar="N", help="responses per prompt, 2 to 20 (default 4)")
    sampling.add_argument("--temperature", metavar="T", help="default: the server's")
    sampling.add_argument("--top-p", metavar="P", help="default: the server's")
    sampling.add_argument("--max-tokens", metavar="N", help="per response (default 1024)")
    sampling.add_argument("--seed", metavar="N", help="response i is sampled with seed + i")
    sampling.add_argument(
        "--allow-cut-off",
        action="store_true",
        default=None,
        help="let responses that hit the token limit become part of pairs",
    )
    sampling.add_argument(
        "--ahead",
        metavar="N",
        help="groups to generate ahead of you (default: by your pace and the server's)",
    )
    sampling.add_argument(
        "--concurrency", metavar="N", help="completions to keep the server busy with (default 8)"
    )
    rows = _add_rows_arguments(command)
    rows.add_argument(
        "--preferences",
        metavar="ignore|suggest|decide",
        help="what becomes of preferences in them: nothing (the default), marks that you see, or "
        "decisions of an annotator named after the file",
    )
    files = command.add_argument_group("files")
    files.add_argument(
        "--output",
        metavar="PATH",
        help="the dataset (default PROMPTS.dpo.jsonl beside PROMPTS; each further annotator gets "
        "PROMPTS.NAME.dpo.jsonl)",
    )
    files.add_argument(
        "--session", metavar="NAME|PATH", help="another session than the one of this prompts file"
    )
    files.add_argument(
        "--live-format", metavar="F", help="form of the dataset, as `export` names them (swift)"
    )
    _add_pair_arguments(files)
    files.add_argument("--annotator", metavar="NAME", help="who decides (default: your user name)")
    files.add_argument(
        "--removed-pairs",
        metavar="keep|drop",
        help="what becomes of the pairs of prompts that leave PROMPTS (default keep)",
    )
    files.add_argument(
        "--allow-loader",
        action="store_true",
        help="run the loader that PROMPTS names, now and until its file changes",
    )
    files.add_argument(
        "--fresh",
        action="store_true",
        help="start over in a new session; the old one stays beside it",
    )


def _add_rows_arguments(command: _Parser) -> argparse._ArgumentGroup:
    """The arguments that say how rows of other people's files are read."""
    rows = command.add_argument_group("rows of other formats")
    rows.add_argument(
        "--from", dest="from_", metavar="FORMAT", help="what they are (default: found out)"
    )
    rows.add_argument(
        "--columns",
        metavar="NAME=COLUMN,...",
        help="or which columns they have: prompt, system, responses (several with +), chosen, "
        "rejected, reference, id",
    )
    rows.add_argument(
        "--bad-rows", metavar="SHARE", help="how many may be of no use, 0 to 1 (default 0.05)"
    )
    return rows


def _add_server_arguments(command: _Parser) -> argparse._ArgumentGroup:
    """The arguments that say which server and model to ask."""
    server = command.add_argument_group(
        "server",
        "Without --base-url, the usual ports of this machine are looked at: vLLM 8000, SGLang "
        "30000, llama.cpp 8080, LM Studio 1234, Ollama 11434, TGI 3000.",
    )
    server.add_argument("--base-url", metavar="URL", help="OpenAI-compatible, usually ends in /v1")
    server.add_argument("--model", metavar="NAME", help="default: the only one that there is")
    server.add_argument(
        "--api-key-env",
        metavar="NAME",
        help="environment variable that holds the API key (default OPENAI_API_KEY)",
    )
    return server


def _add_doctor(commands: argparse._SubParsersAction[_Parser]) -> None:
    doctor = commands.add_parser(
        "doctor",
        help="find out what your model server can do, and how to set dpo-tui for it",
        description="Try out the model servers that are named, or else those that run on this "
        "machine: what they understand, how fast they are, and which settings suit them. Takes "
        "about 20 seconds for each. Exit code 1 says that none can be used.",
        epilog=_EPILOG,
    )
    _add_server_arguments(doctor)
    doctor.add_argument(
        "--concurrency", metavar="N", help="how many streams to measure at once (default 8)"
    )
    doctor.add_argument("--json", action="store_true", help="print JSON and nothing else")


def _add_init(commands: argparse._SubParsersAction[_Parser]) -> None:
    init = commands.add_parser(
        "init",
        help="write a prompts file to start from",
        description="Write a commented prompts file to start from. Nothing is overwritten.",
    )
    init.add_argument(
        "path", nargs="?", type=Path, default=Path("prompts.toml"), help="default: prompts.toml"
    )
    init.add_argument(
        "--config", action="store_true", help="write the user's config.toml with its defaults too"
    )


def _add_sessions(commands: argparse._SubParsersAction[_Parser]) -> None:
    commands.add_parser(
        "sessions",
        help="list the sessions that there are",
        description="List the sessions: what is decided and left in each, and its prompts file.",
    )


def _add_history(commands: argparse._SubParsersAction[_Parser]) -> None:
    history = commands.add_parser(
        "history",
        help="list what was decided in a session, newest first",
        description="List the decisions of a session, newest first, and whether each one counts, "
        "was replaced by another one or taken back.",
    )
    _add_session_arguments(history)
    history.add_argument("--annotator", metavar="NAME", help="only what this one decided")
    history.add_argument(
        "--limit", type=int, default=50, metavar="N", help="at most N decisions (default 50)"
    )
    history.add_argument("--json", action="store_true", help="print JSON lines and nothing else")


def _add_verify(commands: argparse._SubParsersAction[_Parser]) -> None:
    verify = commands.add_parser(
        "verify",
        help="check a session and its dataset file",
        description="Check that a session file is whole, that its counters and its queue agree "
        "with what was decided, and that the dataset file has the pairs of every decision exactly "
        "once. Changes nothing without --repair. Exit code 1 says that something is wrong.",
    )
    _add_session_arguments(verify)
    verify.add_argument(
        "--repair",
        action="store_true",
        help="rebuild what follows from the decisions, the dataset too; lines of others are kept",
    )


def _add_backup(commands: argparse._SubParsersAction[_Parser]) -> None:
    backup = commands.add_parser(
        "backup",
        help="copy a session while it is being worked on",
        description="Copy a session to a file of its own, consistent also while somebody labels. "
        "Nothing is overwritten. Use the copy with --session PATH.",
    )
    backup.add_argument("path", type=Path, metavar="PATH", help="the file to make")
    _add_session_arguments(backup)


def _add_export(commands: argparse._SubParsersAction[_Parser]) -> None:
    export = commands.add_parser(
        "export",
        help="write what was decided as a file that a trainer reads",
        description="Write the pairs of a session in the form of a trainer, whoever works on it. "
        "The files are there whole or not at all; what was left out is told with its reason. "
        "Formats: " + "; ".join(f"{each.name} ({each.readers})" for each in FORMATS.values()),
        epilog=_EPILOG,
    )
    _add_session_arguments(export)
    _add_export_arguments(export)
    files = export.add_argument_group("files")
    output = files.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="default: standard output; - for it; .gz compresses",
    )
    _completes_files(output)
    files.add_argument(
        "--test-output", type=Path, metavar="FILE", help="default: FILE with .test in its name"
    )
    files.add_argument(
        "--sidecar", type=Path, metavar="FILE", help="write where each row comes from to this file"
    )
    files.add_argument(
        "--card",
        nargs="?",
        const="README.md",
        metavar="FILE",
        help="write a dataset card for the Hugging Face hub too (README.md beside -o)",
    )
    files.add_argument(
        "--dataset-info",
        type=Path,
        metavar="FILE",
        help="add the dataset to this dataset_info.json of LLaMA-Factory",
    )
    files.add_argument("--force", action="store_true", help="replace files that are there")


def _add_push(commands: argparse._SubParsersAction[_Parser]) -> None:
    push = commands.add_parser(
        "push",
        help="send a session's pairs to a dataset on the Hugging Face hub",
        description="Export a session with a card and send both to a dataset on the Hugging Face "
        "hub, which is made, for you alone, if there is none. Needs the extra 'hub' and its login "
        "(hf auth login). Formats: `dpo-tui export --help`.",
        epilog=_EPILOG,
    )
    push.add_argument("repo", metavar="REPO", help="owner/name, or name for your own")
    _add_session_arguments(push)
    _add_export_arguments(push, default="trl")
    hub = push.add_argument_group("hub")
    hub.add_argument("--public", action="store_true", help="let everybody see a dataset made now")
    hub.add_argument("--dry-run", action="store_true", help="show the card and send nothing")
    hub.add_argument("--force", action="store_true", help="replace a card that is there")


def _add_report(commands: argparse._SubParsersAction[_Parser]) -> None:
    report = commands.add_parser(
        "report",
        help="say what was decided in a session, how fast, and with what bias",
        description="Count what was decided: pairs, pace, what is left and how long that takes, "
        "which sources win, and whether the place of a card or the length of its text sways the "
        "choice. Reads the session whoever works on it.",
    )
    _add_session_arguments(report)
    report.add_argument("--annotator", metavar="NAME", help="only what this one decided")
    report.add_argument("--json", action="store_true", help="print JSON and nothing else")


def _add_export_arguments(command: _Parser, default: str = "swift") -> None:
    """What becomes of the decisions."""
    command.add_argument("--format", default=default, metavar="F", help=f"default {default}")
    rows = command.add_argument_group("rows")
    rows.add_argument(
        "--annotator", metavar="NAME|all", help="default: you, if you have decided anything"
    )
    rows.add_argument(
        "--since", metavar="DATE", help="only what was decided then or later, as in 2026-01-31"
    )
    rows.add_argument(
        "--tag", action="append", default=[], metavar="TAG", help="only prompts with one of these"
    )
    rows.add_argument(
        "--test-size",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="keep this share of the prompts apart, as in 0.05; never near-identical ones on both "
        "sides",
    )
    rows.add_argument("--shuffle", action="store_true", help="in an order drawn by the seed")
    rows.add_argument("--seed", type=int, default=0, metavar="N", help="of all lots (default 0)")
    rows.add_argument(
        "--meta", action="store_true", help="add a column with where each row comes from, as JSON"
    )
    _add_pair_arguments(rows)
    rows.add_argument(
        "--allow-cut-off",
        action="store_true",
        default=None,
        help="let responses that hit the token limit be part of pairs",
    )
    _add_check_arguments(command)


def _add_check_arguments(command: _Parser) -> None:
    """What is worth a warning."""
    checks = command.add_argument_group("warnings")
    checks.add_argument(
        "--max-length", type=int, default=1024, metavar="N", help="tokens that your trainer reads"
    )
    checks.add_argument(
        "--tokenizer",
        type=Path,
        metavar="FILE",
        help="tokenizer.json to count with (extra 'tokenizers'); else lengths are estimated",
    )


def _add_convert(commands: argparse._SubParsersAction[_Parser]) -> None:
    convert = commands.add_parser(
        "convert",
        help="rewrite preference data of one format in another",
        description="Rewrite a file of preferences in the form of another trainer, without a "
        "session. What the rows are is found out if it isn't said. What was left out is told with "
        "its reason. The file is there whole or not at all.",
        epilog=_EPILOG,
    )
    source = convert.add_argument(
        "input", type=Path, metavar="IN", help="a file, hf:owner/name[:split], - for standard input"
    )
    target = convert.add_argument(
        "output", type=Path, metavar="OUT", help="a file, - for standard output; .gz compresses"
    )
    for each in (source, target):
        _completes_files(each)
    convert.add_argument("--to", required=True, metavar="FORMAT", help="as `export` names them")
    convert.add_argument("--force", action="store_true", help="replace OUT if it is there")
    _add_rows_arguments(convert)
    pairs = convert.add_argument_group("pairs")
    _add_pair_arguments(pairs)
    pairs.add_argument("--seed", type=int, default=0, metavar="N", help="of all lots (default 0)")
    _add_check_arguments(convert)


def _add_pair_arguments(group: argparse._ArgumentGroup) -> None:
    """Which pairs a group gives."""
    group.add_argument(
        "--pairs",
        metavar="all|best|one|N",
        help="every chosen x rejected response (default); the best x every rejected one; one pair "
        "a group, its sides drawn where several are as good; at most N",
    )
    group.add_argument(
        "--best-over-chosen",
        action="store_true",
        default=None,
        help="pair the best response with the other chosen ones too",
    )


def _add_session_arguments(command: _Parser) -> None:
    """The arguments of the commands that look after one session."""
    prompts = command.add_argument(
        "prompts", nargs="?", type=Path, metavar="PROMPTS", help="the session of this prompts file"
    )
    _completes_files(prompts)
    command.add_argument("--session", metavar="NAME|PATH", help="the session itself")
