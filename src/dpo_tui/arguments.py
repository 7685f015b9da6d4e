"""The arguments that the command line takes, and what `--help` says of them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NoReturn

from dpo_tui import __version__
from dpo_tui.argument_groups import (
    add_check_arguments,
    add_export_arguments,
    add_judging_arguments,
    add_pairs_argument,
    add_rows_arguments,
    add_screen_arguments,
    add_server_arguments,
    add_session_arguments,
    add_work_arguments,
    completes_files,
)
from dpo_tui.completion import SHELLS, PrintCompletion
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


def make_parser(words: Collection[str] | None = None) -> argparse.ArgumentParser:
    """The parser; it sets `command` to the name of the command that was asked for.

    Commands that are not among the words to be parsed are left without their arguments, which
    would hold up the start.
    """
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
    for name, (summary, add_arguments) in _COMMANDS.items():
        command = commands.add_parser(name, help=summary)
        if words is None or name in words:
            add_arguments(command)
    return parser


def _add_annotate(annotate: _Parser) -> None:
    annotate.description = (
        "Show the responses to one prompt after the other and label them. Stops and "
        "resumes at any time: the same prompts file always finds its own session again."
    )
    annotate.epilog = _EPILOG
    add_work_arguments(annotate)
    add_judging_arguments(annotate)
    add_screen_arguments(annotate)


def _add_generate(generate: _Parser) -> None:
    generate.description = (
        "Generate what the undecided groups of a session lack. Can be stopped and run "
        "again at any time, and beside `annotate` on the same prompts file. A server that is still "
        "starting is waited for. Exit code 1 says that some responses failed."
    )
    generate.epilog = _EPILOG
    generate.add_argument("--limit", type=int, metavar="N", help="fill at most N groups")
    generate.add_argument(
        "--no-wait",
        dest="wait",
        action="store_false",
        help="fail at once if the server can't be asked yet",
    )
    add_work_arguments(generate)


def _add_doctor(doctor: _Parser) -> None:
    doctor.description = (
        "Try out the model servers that are named, or else those that run on this "
        "machine: what they understand, how fast they are, and which settings suit them. Takes "
        "about 20 seconds for each. Exit code 1 says that none can be used."
    )
    doctor.epilog = _EPILOG
    add_server_arguments(doctor)
    doctor.add_argument(
        "--concurrency", metavar="N", help="how many streams to measure at once (default 8)"
    )
    doctor.add_argument("--json", action="store_true", help="print JSON and nothing else")


def _add_init(init: _Parser) -> None:
    init.description = "Write a commented prompts file to start from. Nothing is overwritten."
    init.add_argument(
        "path", nargs="?", type=Path, default=Path("prompts.toml"), help="default: prompts.toml"
    )
    init.add_argument(
        "--config", action="store_true", help="write the user's config.toml with its defaults too"
    )


def _add_sessions(sessions: _Parser) -> None:
    sessions.description = (
        "List the sessions: what is decided and left in each, and its prompts file."
    )


def _add_history(history: _Parser) -> None:
    history.description = (
        "List the decisions of a session, newest first, and whether each one counts, "
        "was replaced by another one or taken back."
    )
    add_session_arguments(history)
    history.add_argument("--annotator", metavar="NAME", help="only what this one decided")
    history.add_argument(
        "--limit", type=int, default=50, metavar="N", help="at most N decisions (default 50)"
    )
    history.add_argument("--json", action="store_true", help="print JSON lines and nothing else")


def _add_verify(verify: _Parser) -> None:
    verify.description = (
        "Check that a session file is whole, that its counters and its queue agree "
        "with what was decided, and that the dataset file has the pairs of every decision exactly "
        "once. Changes nothing without --repair. Exit code 1 says that something is wrong."
    )
    add_session_arguments(verify)
    verify.add_argument(
        "--repair",
        action="store_true",
        help="rebuild what follows from the decisions, the dataset too; lines of others are kept",
    )


def _add_backup(backup: _Parser) -> None:
    backup.description = (
        "Copy a session to a file of its own, consistent also while somebody labels. "
        "Nothing is overwritten. Use the copy with --session PATH."
    )
    backup.add_argument("path", type=Path, metavar="PATH", help="the file to make")
    add_session_arguments(backup)


def _add_export(export: _Parser) -> None:
    from dpo_tui.datasets.formats import FORMATS

    export.description = (
        "Write the pairs of a session in the form of a trainer, whoever works on it. "
        "The files are there whole or not at all; what was left out is told with its reason. "
        "Formats: " + "; ".join(f"{each.name} ({each.readers})" for each in FORMATS.values())
    )
    export.epilog = _EPILOG
    add_session_arguments(export)
    add_export_arguments(export)
    files = export.add_argument_group("files")
    output = files.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="default: standard output; - for it; .gz compresses",
    )
    completes_files(output)
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


def _add_push(push: _Parser) -> None:
    push.description = (
        "Export a session with a card and send both to a dataset on the Hugging Face "
        "hub, which is made, for you alone, if there is none. Needs the extra 'hub' and its login "
        "(hf auth login). Formats: `dpo-tui export --help`."
    )
    push.epilog = _EPILOG
    push.add_argument("repo", metavar="REPO", help="owner/name, or name for your own")
    add_session_arguments(push)
    add_export_arguments(push, default="trl")
    hub = push.add_argument_group("hub")
    hub.add_argument("--public", action="store_true", help="let everybody see a dataset made now")
    hub.add_argument("--dry-run", action="store_true", help="show the card and send nothing")
    hub.add_argument("--force", action="store_true", help="replace a card that is there")


def _add_report(report: _Parser) -> None:
    report.description = (
        "Count what was decided: pairs, pace, what is left and how long that takes, "
        "which sources win, and whether the place of a card or the length of its text sways the "
        "choice. Reads the session whoever works on it."
    )
    add_session_arguments(report)
    report.add_argument("--annotator", metavar="NAME", help="only what this one decided")
    report.add_argument("--json", action="store_true", help="print JSON and nothing else")


def _add_convert(convert: _Parser) -> None:
    convert.description = (
        "Rewrite a file of preferences in the form of another trainer, without a "
        "session. What the rows are is found out if it isn't said. What was left out is told with "
        "its reason. The file is there whole or not at all."
    )
    convert.epilog = _EPILOG
    source = convert.add_argument(
        "input", type=Path, metavar="IN", help="a file, hf:owner/name[:split], - for standard input"
    )
    target = convert.add_argument(
        "output", type=Path, metavar="OUT", help="a file, - for standard output; .gz compresses"
    )
    for each in (source, target):
        completes_files(each)
    convert.add_argument("--to", required=True, metavar="FORMAT", help="as `export` names them")
    convert.add_argument("--force", action="store_true", help="replace OUT if it is there")
    add_rows_arguments(convert)
    pairs = convert.add_argument_group("pairs")
    add_pairs_argument(pairs)
    pairs.add_argument("--seed", type=int, default=0, metavar="N", help="of all lots (default 0)")
    add_check_arguments(convert)


_COMMANDS: dict[str, tuple[str, Callable[[_Parser], None]]] = {
    "annotate": ("label the responses to a file of prompts", _add_annotate),
    "generate": ("generate responses without a screen, to be labelled later", _add_generate),
    "doctor": (
        "find out what your model server can do, and how to set dpo-tui for it",
        _add_doctor,
    ),
    "init": ("write a prompts file to start from", _add_init),
    "sessions": ("list the sessions that there are", _add_sessions),
    "history": ("list what was decided in a session, newest first", _add_history),
    "verify": ("check a session and its dataset file", _add_verify),
    "backup": ("copy a session while it is being worked on", _add_backup),
    "export": ("write what was decided as a file that a trainer reads", _add_export),
    "push": ("send a session's pairs to a dataset on the Hugging Face hub", _add_push),
    "report": ("say what was decided in a session, how fast, and with what bias", _add_report),
    "convert": ("rewrite preference data of one format in another", _add_convert),
}
