"""The commands that look after a session that is there, whoever works on it."""

from __future__ import annotations

import getpass
import os
from argparse import Namespace
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dpo_tui.display import display, display_line, tell
from dpo_tui.errors import DpoTuiError, InputError
from dpo_tui.words import moment

if TYPE_CHECKING:
    from dpo_tui.settings import Settings
    from dpo_tui.store.info import SessionInfo


def list_sessions(_: Namespace) -> int:
    """`sessions`: what is decided and left in each."""
    from rich.table import Table
    from rich.text import Text

    from dpo_tui.output import Output
    from dpo_tui.paths import sessions_dir
    from dpo_tui.store.info import describe

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading, justify in _SESSION_COLUMNS:
        table.add_column(heading, justify=justify, overflow="fold")
    damaged = 0
    for path in sorted(sessions_dir().glob("*.db"), key=_changed_at, reverse=True):
        try:
            cells = _session_cells(describe(path))
        except DpoTuiError as error:
            damaged += 1
            tell(f"{path}: {error}")
        else:
            table.add_row(*(Text(display_line(each)) for each in cells))
    if table.row_count:
        output = Output()
        if not output.is_terminal:  # nothing says how wide it is; folded, no name could be found
            output.width = _UNFOLDED
        output.print(table)
    elif not damaged:
        print("There are no sessions yet. Begin one with: dpo-tui annotate prompts.toml")
    return 1 if damaged else 0


def _changed_at(path: Path) -> float:
    """Unix time in seconds; 0 where a link leads nowhere."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0


_UNFOLDED = 10_000
"""Characters: more than any line has."""
_SESSION_COLUMNS: tuple[tuple[str, Literal["left", "right"]], ...] = (
    ("prompts file", "left"),
    ("confirmed", "right"),
    ("skipped", "right"),
    ("flagged", "right"),
    ("left", "right"),
    ("pairs", "right"),
    ("last used", "left"),
    ("session", "left"),
)


def _session_cells(info: SessionInfo) -> tuple[str, ...]:
    from dpo_tui.importing import changes

    confirmed, skipped, pairs = (
        sum(getattr(each, name) for each in info.progress.values())
        for name in ("confirmed", "skipped", "pairs")
    )
    least_left = min((each.left for each in info.progress.values()), default=info.total)
    used = moment(info.last_used_at).astimezone()
    prompts = _from_home(info.prompts_path) if info.prompts_path else "?"
    changed = changes(info.last_change)
    return (
        f"{prompts} (last edit: {', '.join(changed)})" if changed else prompts,
        str(confirmed),
        str(skipped),
        str(sum(info.flagged.values())),
        str(least_left),
        str(pairs),
        f"{used:%Y-%m-%d %H:%M}",
        info.path.stem,
    )


def _from_home(path: Path) -> str:
    """A path as a person would write it."""
    return f"~/{path.relative_to(Path.home())}" if path.is_relative_to(Path.home()) else str(path)


def show_history(arguments: Namespace) -> int:
    """`history`: what was decided, newest first."""
    from itertools import islice

    from dpo_tui.store.history import read_history
    from dpo_tui.upkeep import print_history, print_history_json

    if arguments.limit < 1:
        raise InputError("--limit: expected a number of at least 1")
    past = read_history(existing_session(arguments), arguments.annotator)
    with suppress(BrokenPipeError):  # of a reader that has seen enough: `| head`
        (print_history_json if arguments.json else print_history)(islice(past, arguments.limit))
    return 0


def verify_session(arguments: Namespace) -> int:
    """`verify`: whether a session and its dataset are in order."""
    from dpo_tui.upkeep import repair, verify

    session = existing_session(arguments)
    verified = (repair if arguments.repair else verify)(session)
    for finding in verified.findings:
        print(display(finding))
    if not verified.findings:
        print(display(f"{session} and its dataset are in order"))
    elif not arguments.repair:
        tell(verified.remedy)
    return 1 if verified.findings else 0


def back_up_session(arguments: Namespace) -> int:
    """`backup`: a copy, also while somebody labels."""
    from dpo_tui.upkeep import back_up

    back_up(existing_session(arguments), arguments.path)
    print(display(f"{arguments.path} written"))
    return 0


def report_session(arguments: Namespace) -> int:
    """`report`: what was decided, how fast, and with what bias."""
    from dpo_tui.reporting import print_report, print_report_json
    from dpo_tui.store.statistics import read_statistics

    statistics = read_statistics(existing_session(arguments), arguments.annotator)
    if arguments.json:
        print_report_json(statistics)
    else:
        print_report(statistics, _named(arguments))
    return 0


def _named(arguments: Namespace) -> list[str]:
    """The words that name the session and the annotator of this command to another one."""
    words = [str(arguments.prompts)] if arguments.prompts else ["--session", arguments.session]
    return words + (["--annotator", arguments.annotator] if arguments.annotator else [])


def settings_for(arguments: Namespace) -> Settings:
    """The settings of a command that looks after a session; only flags that are settings count."""
    from dpo_tui import paths
    from dpo_tui.prompts import settings_in
    from dpo_tui.settings import read_config, resolve_settings

    path: Path | None = arguments.prompts
    prompts = settings_in(path) if path and path.exists() else {}
    flags = {name: vars(arguments)[name] for name in ("pairs", "best_over_chosen", "allow_cut_off")}
    return resolve_settings(flags, os.environ, prompts, read_config(paths.config_file()))


def existing_session(arguments: Namespace) -> Path:
    """The session that was named, or that of the prompts file.

    What was named in the place of a prompts file may be a session too: `arguments` say so then.
    """
    from dpo_tui import paths

    if (arguments.prompts is None) == (arguments.session is None):
        raise InputError(
            "which session? Name either its prompts file or the session.",
            remedy=f"dpo-tui {arguments.command} prompts.toml, or the name of a session; "
            "`dpo-tui sessions` lists them.",
        )
    if arguments.prompts and _is_session(arguments.prompts):
        arguments.prompts, arguments.session = None, str(arguments.prompts)
    if arguments.session is None:
        path = paths.latest_session_path(arguments.prompts)
    else:
        path = paths.session_named(arguments.session)
    if not path.exists():
        of = f"of {arguments.prompts}" if arguments.prompts else str(path)
        raise InputError(
            f"there is no session {of} yet", remedy="`dpo-tui sessions` lists those that there are."
        )
    return path


def _is_session(named: Path) -> bool:
    """Whether it is the name or the path of a session, and of no other file."""
    from dpo_tui import paths

    with suppress(InputError, OSError):  # too long, for one
        is_name = os.sep not in str(named) and not named.exists()
        return (is_name or named.suffix == ".db") and paths.session_named(str(named)).exists()
    return False


def user_name() -> str:
    """Who decides, unless another name is given."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        return "annotator"
