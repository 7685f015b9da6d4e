"""The command line: one function per command, and the exit codes.

Exit codes: 0 done, 1 something failed, 2 the input was wrong, 128 + n ended by signal n.
"""

from __future__ import annotations

import getpass
import os
import shlex
import signal
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn

from dpo_tui.arguments import make_parser
from dpo_tui.display import display, display_line
from dpo_tui.errors import DpoTuiError, InputError

if TYPE_CHECKING:
    from dpo_tui.main import Outcome
    from dpo_tui.opening import Job
    from dpo_tui.settings import Settings
    from dpo_tui.store.info import SessionInfo
    from dpo_tui.tui.look import Look


class _SignalledError(KeyboardInterrupt):
    """A signal came: like Ctrl-C, whatever runs lets it through."""

    def __init__(self, number: int) -> None:
        self.number = number


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    _end_in_order()
    try:
        return _run(make_parser().parse_args(argv))
    except BrokenPipeError:  # of a reader that has seen enough: `| head`
        return 0
    finally:
        _flush()


def _end_in_order() -> None:
    """Let a signal end the program as an error does, so that nothing is left half made.

    As the first process of a container it wouldn't even feel one else. One that is ignored stays
    so, as `nohup` wants it.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, _: object) -> NoReturn:
    raise _SignalledError(number)


def _run(arguments: Namespace) -> int:
    try:
        return _COMMANDS[arguments.command](arguments)
    except DpoTuiError as error:
        _tell(f"dpo-tui: {error.message}")
        if error.remedy:
            _tell(error.remedy)
        return error.exit_code
    except _SignalledError as signalled:
        return 128 + signalled.number
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - a traceback on the screen helps nobody
        _tell_crash(error)
        return 1


def _flush() -> None:
    """Get the last words out, or drop them: the terminal can be gone, and so can `| head`.

    Python would drop the exit code too, for 120.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _tell(text: str) -> None:
    with suppress(BrokenPipeError):  # nobody reads it any more, and the outcome is the same
        print(display(text), file=sys.stderr)


# --- annotate ------------------------------------------------------------------------------------


def _annotate(arguments: Namespace) -> int:
    import asyncio
    import gc

    # What the start makes stays, and what streams by makes no cycles: the collector would look
    # through all of it again and again, and hold up a key each time.
    gc.set_threshold(50_000, 20, 100)
    from dpo_tui.main import annotate

    job = _job(arguments)
    look = _look(job.settings)
    if _is_piped(arguments):
        _read_keys_from_terminal()
    _require_terminal()
    outcome = asyncio.run(annotate(job, look, _tell))
    if outcome.crash:
        _tell_crash(outcome.crash)
    if sys.stdout.isatty():  # the link may be lost by now
        _say_goodbye(job, outcome)
    return outcome.exit_code


def _look(settings: Settings) -> Look:
    from dpo_tui.inputs import Place
    from dpo_tui.paths import config_file, preferences_file
    from dpo_tui.preferences import load_preferences
    from dpo_tui.tui.keymap import read_keymap
    from dpo_tui.tui.look import Look

    if settings.theme:
        from dpo_tui.tui.themes import check_theme

        check_theme(settings.theme)
    return Look(
        keymap=read_keymap(settings.keys, Place(str(config_file()))),
        theme=settings.theme or "",
        title=settings.title,
        bell=settings.bell,
        slow=settings.slow_link,
        preferences=load_preferences(preferences_file()),
        preferences_file=preferences_file(),
    )


def _job(arguments: Namespace) -> Job:
    from dpo_tui import paths
    from dpo_tui.domain.model import PreferenceUse
    from dpo_tui.importing import Incoming
    from dpo_tui.opening import Job
    from dpo_tui.prompts import Reading, read_piped, read_prompts
    from dpo_tui.settings import api_key, read_config, resolve_settings
    from dpo_tui.trust import require_trust

    prompts = read_piped() if _is_piped(arguments) else read_prompts(arguments.prompts)
    path = prompts.path
    require_trust(prompts.loaders, allowed=arguments.allow_loader)
    config = read_config(paths.config_file())
    settings = resolve_settings(vars(arguments), os.environ, prompts.settings, config)
    if arguments.session:
        session = paths.session_named(arguments.session)
        if arguments.fresh:
            session = paths.fresh_session_path(session)
    elif arguments.fresh:
        session = paths.fresh_session_path(paths.session_path(path))
    else:
        session = paths.latest_session_path(path)
    return Job(
        prompts_path=path,
        incoming=Incoming.of(
            prompts,
            Reading.as_said(arguments.from_, arguments.columns, settings.bad_rows),
            f"{arguments.from_} {arguments.columns}",
            PreferenceUse(settings.preferences),
        ),
        session_path=session,
        settings=settings,
        key_of=lambda server: api_key(server, os.environ),
        annotator=arguments.annotator or _user_name(),
        local=arguments.local,
        named=shlex.join(
            ["--session", str(session)] if arguments.session else [str(arguments.prompts)]
        ),
        resume=_resume(arguments, session),
    )


def _generate(arguments: Namespace) -> int:
    import asyncio

    from msgspec.structs import replace

    from dpo_tui.main import generate
    from dpo_tui.progress import FillProgress

    job = replace(_job(arguments), waits=arguments.wait)
    with FillProgress() as progress:
        code = asyncio.run(generate(job, progress.say, arguments.limit, progress.report))
    _tell(progress.summary)
    _tell(f"label them with: {job.resume}")
    return code


def _resume(arguments: Namespace, session: Path) -> str:
    """The command that goes on as it was begun."""
    from dpo_tui.settings import SETTINGS

    words = ["dpo-tui", "annotate", str(arguments.prompts)]
    for setting in SETTINGS:
        value = vars(arguments).get(setting.last_name) if setting.flag else None
        if value is not None:
            words += [setting.flag] if value is True else [setting.flag, value]
    for flag, value in (("--from", arguments.from_), ("--columns", arguments.columns)):
        if value:
            words += [flag, value]
    if arguments.session:
        words += ["--session", str(session)]
    if arguments.annotator:
        words += ["--annotator", arguments.annotator]
    if arguments.local:
        words.append("--local")
    return shlex.join(words)


def _is_piped(arguments: Namespace) -> bool:
    return str(arguments.prompts) == "-"


def _read_keys_from_terminal() -> None:
    """Put the terminal where standard input was, now that all of that is read."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError:
        return  # _require_terminal will tell
    os.dup2(terminal, 0)
    os.close(terminal)


def _require_terminal() -> None:
    # The screen reads standard input and is painted on standard error.
    if not all(map(os.isatty, (0, 1, 2))):
        raise InputError(
            "annotate needs a terminal, but its input or output is redirected.",
            remedy="Type it without pipes and redirections; through ssh, with ssh -t.",
        )


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        return "annotator"


def _say_goodbye(job: Job, outcome: Outcome) -> None:
    progress = outcome.progress
    decided = f"{progress.decided} confirmed, {progress.skipped} skipped, {progress.left} left"
    print(display(f"{decided}, {progress.pairs} pairs"))
    print(display(f"dataset  {outcome.dataset_path}"))
    if outcome.dataset_trouble:
        print(display(f"         is behind, and catches up next time: {outcome.dataset_trouble}"))
    print(display(f"go on    {job.resume}"))


def _tell_crash(error: BaseException) -> None:
    """Say that it was our fault, and keep the traceback (without values) for a report."""
    import traceback

    from dpo_tui.paths import data_dir

    _tell(
        f"dpo-tui: stopped by a fault of its own: {type(error).__name__}\n"
        "Everything that was decided is saved; start again to go on."
    )
    try:
        report = data_dir() / "crash.txt"
        report.touch(mode=0o600)
        report.write_text("".join(traceback.format_exception(error)), errors="backslashreplace")
    except (OSError, DpoTuiError):
        return
    _tell(f"What happened is in {report}")


# --- other commands ------------------------------------------------------------------------------


def _doctor(arguments: Namespace) -> int:
    import asyncio

    from dpo_tui.checkup import check_up, print_json, print_report, progress_line
    from dpo_tui.paths import config_file
    from dpo_tui.settings import api_key, read_config, resolve_settings

    settings = resolve_settings(vars(arguments), os.environ, {}, read_config(config_file()))
    with progress_line() as say:
        diagnoses = asyncio.run(check_up(settings, lambda each: api_key(each, os.environ), say))
    (print_json if arguments.json else print_report)(diagnoses)
    return 0 if any(each.is_usable for each in diagnoses) else 1


def _init(arguments: Namespace) -> int:
    from dpo_tui.paths import config_file
    from dpo_tui.settings import Settings
    from dpo_tui.templates import starter_config, starter_prompts, write_new

    path: Path = arguments.path
    write_new(path, starter_prompts())
    resume = shlex.join(["dpo-tui", "annotate", str(path)])
    print(display(f"{path} written. Edit it, then type: {resume}"))
    if arguments.config:
        write_new(config_file(), starter_config(Settings()), private=True)
        print(display(f"{config_file()} written"))
    return 0


def _sessions(_: Namespace) -> int:
    from rich.table import Table
    from rich.text import Text

    from dpo_tui.output import Output
    from dpo_tui.paths import sessions_dir
    from dpo_tui.store.info import describe

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading, justify in _SESSION_COLUMNS:
        table.add_column(heading, justify=justify, overflow="fold")
    damaged = 0
    for path in sorted(sessions_dir().glob("*.db"), key=lambda each: -each.stat().st_mtime):
        try:
            cells = _session_cells(describe(path))
        except DpoTuiError as error:
            damaged += 1
            _tell(f"{path}: {error}")
        else:
            table.add_row(*(Text(display_line(each)) for each in cells))
    if table.row_count:
        Output().print(table)
    elif not damaged:
        print("There are no sessions yet. Begin one with: dpo-tui annotate prompts.toml")
    return 1 if damaged else 0


_SESSION_COLUMNS: tuple[tuple[str, Literal["left", "right"]], ...] = (
    ("prompts file", "left"),
    ("decided", "right"),
    ("skipped", "right"),
    ("flagged", "right"),
    ("left", "right"),
    ("pairs", "right"),
    ("last used", "left"),
    ("session", "left"),
)


def _session_cells(info: SessionInfo) -> tuple[str, ...]:
    from dpo_tui.importing import changes

    decided, skipped, pairs = (
        sum(getattr(each, name) for each in info.progress.values())
        for name in ("decided", "skipped", "pairs")
    )
    least_left = min((each.left for each in info.progress.values()), default=info.total)
    used = datetime.fromtimestamp(info.last_used_at, UTC).astimezone()
    prompts = _from_home(info.prompts_path) if info.prompts_path else "?"
    changed = changes(info.last_change)
    return (
        f"{prompts} (last edit: {', '.join(changed)})" if changed else prompts,
        str(decided),
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


def _history(arguments: Namespace) -> int:
    from itertools import islice

    from dpo_tui.store.history import read_history
    from dpo_tui.upkeep import print_history, print_history_json

    if arguments.limit < 1:
        raise InputError("--limit: expected a number of at least 1")
    past = read_history(_existing_session(arguments), arguments.annotator)
    with suppress(BrokenPipeError):  # of a reader that has seen enough: `| head`
        (print_history_json if arguments.json else print_history)(islice(past, arguments.limit))
    return 0


def _verify(arguments: Namespace) -> int:
    from dpo_tui.upkeep import repair, verify

    session = _existing_session(arguments)
    findings = (repair if arguments.repair else verify)(session)
    for finding in findings:
        print(display(finding))
    if not findings:
        print(display(f"{session} and its dataset are in order"))
    elif not arguments.repair:
        _tell("--repair rebuilds what can be rebuilt.")
    return 1 if findings else 0


def _backup(arguments: Namespace) -> int:
    from dpo_tui.upkeep import back_up

    back_up(_existing_session(arguments), arguments.path)
    print(display(f"{arguments.path} written"))
    return 0


def _export(arguments: Namespace) -> int:
    from dpo_tui.export_command import run_export

    session = _existing_session(arguments)
    run_export(arguments, session, _settings_for(arguments), _user_name())
    return 0


def _report(arguments: Namespace) -> int:
    from dpo_tui.reporting import print_report, print_report_json
    from dpo_tui.store.statistics import read_statistics

    statistics = read_statistics(_existing_session(arguments), arguments.annotator)
    if arguments.json:
        print_report_json(statistics)
    else:
        print_report(statistics, _named(arguments))
    return 0


def _named(arguments: Namespace) -> list[str]:
    """The words that name the session and the annotator of this command to another one."""
    words = [str(arguments.prompts)] if arguments.prompts else ["--session", arguments.session]
    return words + (["--annotator", arguments.annotator] if arguments.annotator else [])


def _convert(arguments: Namespace) -> int:
    from dpo_tui import paths
    from dpo_tui.convert_command import run_convert
    from dpo_tui.settings import read_config, resolve_settings

    flags = {name: vars(arguments)[name] for name in ("pairs", "best_over_chosen", "bad_rows")}
    config = read_config(paths.config_file())
    run_convert(arguments, resolve_settings(flags, os.environ, {}, config))
    return 0


def _push(arguments: Namespace) -> int:
    from dpo_tui.export_command import run_push

    session = _existing_session(arguments)
    run_push(arguments, session, _settings_for(arguments), _user_name())
    return 0


def _settings_for(arguments: Namespace) -> Settings:
    """The settings of a command that looks after a session; only flags that are settings count."""
    from dpo_tui import paths
    from dpo_tui.prompts import settings_in
    from dpo_tui.settings import read_config, resolve_settings

    path: Path | None = arguments.prompts
    prompts = settings_in(path) if path and path.exists() else {}
    flags = {name: vars(arguments)[name] for name in ("pairs", "best_over_chosen", "allow_cut_off")}
    return resolve_settings(flags, os.environ, prompts, read_config(paths.config_file()))


def _existing_session(arguments: Namespace) -> Path:
    """The session that was named, or that of the prompts file."""
    from dpo_tui import paths

    if (arguments.prompts is None) == (arguments.session is None):
        raise InputError(
            "which session? Name either its prompts file or the session.",
            remedy=f"dpo-tui {arguments.command} prompts.toml, or --session NAME; "
            "`dpo-tui sessions` lists them.",
        )
    if arguments.session:
        path = paths.session_named(arguments.session)
    else:
        path = paths.latest_session_path(arguments.prompts)
    if not path.exists():
        of = f"of {arguments.prompts}" if arguments.prompts else str(path)
        raise InputError(
            f"there is no session {of} yet", remedy="`dpo-tui sessions` lists those that there are."
        )
    return path


_COMMANDS: dict[str, Callable[[Namespace], int]] = {
    "annotate": _annotate,
    "generate": _generate,
    "doctor": _doctor,
    "init": _init,
    "sessions": _sessions,
    "history": _history,
    "verify": _verify,
    "backup": _backup,
    "export": _export,
    "push": _push,
    "report": _report,
    "convert": _convert,
}
