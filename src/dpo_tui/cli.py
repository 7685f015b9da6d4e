"""The command line: one function per command, and the exit codes.

Exit codes: 0 done, 1 something failed, 2 the input was wrong, 128 + n ended by signal n.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from dpo_tui.arguments import make_parser
from dpo_tui.display import display, tell
from dpo_tui.errors import NO_SPACE, DpoTuiError, InputError
from dpo_tui.session_commands import (
    back_up_session,
    existing_session,
    list_sessions,
    report_session,
    settings_for,
    show_history,
    user_name,
    verify_session,
)

if TYPE_CHECKING:
    from dpo_tui.main import Outcome
    from dpo_tui.opening import Job
    from dpo_tui.tui.look import Look


class _SignalledError(KeyboardInterrupt):
    """A signal came: like Ctrl-C, whatever runs lets it through."""

    def __init__(self, number: int) -> None:
        self.number = number


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    _open_closed_streams()
    _end_in_order()
    try:
        words = sys.argv[1:] if argv is None else argv
        return _run(words)
    except BrokenPipeError:  # of a reader that has seen enough: `| head`
        return 0
    finally:
        _flush()


def _open_closed_streams() -> None:
    """Let a stream that is closed (`>&-`) be one that goes nowhere.

    Python has None for it, and the next file that is opened would take its number.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - it stays open


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


def _run(words: Sequence[str]) -> int:
    try:
        arguments = _parsed(words)
        return _printed(_COMMANDS[arguments.command](arguments))
    except DpoTuiError as error:
        tell(f"dpo-tui: {error.message}")
        if error.remedy:
            tell(error.remedy)
        return error.exit_code
    except _SignalledError as signalled:
        return 128 + signalled.number
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - a traceback on the screen helps nobody
        if isinstance(error, OSError) and error.errno in NO_SPACE and not error.filename:
            tell("dpo-tui: standard output: the disk is full")
        else:
            _tell_crash(error)
        return 1


def _parsed(words: Sequence[str]) -> Namespace:
    try:
        return make_parser(words).parse_args(words)
    except SystemExit:
        _printed(0)  # `--help` prints too
        raise


def _printed(code: int) -> int:
    """The exit code, once what was printed is out of the buffer.

    Raises:
        OSError: the disk that it goes to is full. That nobody reads it is no error.
    """
    try:
        sys.stdout.flush()
    except OSError as error:
        if error.errno in NO_SPACE:
            raise
    return code


def _flush() -> None:
    """Get the last words out, or drop them: the terminal can be gone, and so can `| head`.

    Python would drop the exit code too, for 120.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


# --- annotate ------------------------------------------------------------------------------------


def _annotate(arguments: Namespace) -> int:
    import asyncio

    from dpo_tui.collecting import start_without_collecting

    start_without_collecting()
    from dpo_tui.main import annotate

    job = _job(arguments)
    look = _look(job)
    if _is_piped(arguments):
        _read_keys_from_terminal()
    _require_terminal()
    outcome = asyncio.run(annotate(job, look, tell))
    if outcome.crash:
        _tell_crash(outcome.crash)
    if sys.stdout.isatty():  # the link may be lost by now
        _say_goodbye(outcome, _resume(arguments, job.prompts_path, job.session_path))
    return outcome.exit_code


def _look(job: Job) -> Look:
    from dpo_tui.inputs import Place
    from dpo_tui.paths import config_file, preferences_file
    from dpo_tui.preferences import load_preferences
    from dpo_tui.tui.keymap import read_keymap
    from dpo_tui.tui.look import Look

    settings = job.settings
    if settings.theme:
        from dpo_tui.tui.themes import check_theme

        check_theme(settings.theme, job.place_of("theme"))
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
    from dpo_tui.prompts import Reading, pipe_as_stdin, read_piped, read_prompts
    from dpo_tui.settings import api_key, place_of, read_config, resolve_settings
    from dpo_tui.trust import require_trust

    arguments.prompts = pipe_as_stdin(arguments.prompts)
    prompts = read_piped() if _is_piped(arguments) else read_prompts(arguments.prompts)
    path = prompts.path
    require_trust(prompts.loaders, allowed=arguments.allow_loader)
    config = read_config(paths.config_file())
    settings = resolve_settings(vars(arguments), os.environ, prompts.settings, config)
    files = ((path, prompts.settings), (paths.config_file(), config))
    if arguments.session is not None:
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
        annotator=arguments.annotator or user_name(),
        local=arguments.local,
        named=shlex.join(
            [str(path)] if arguments.session is None else ["--session", _typed(session)]
        ),
        resume=_resume(arguments, path, session),
        place_of=lambda name: place_of(name, vars(arguments), os.environ, files),
    )


def _generate(arguments: Namespace) -> int:
    import asyncio

    from msgspec.structs import replace

    from dpo_tui.main import generate
    from dpo_tui.progress import FillProgress

    if arguments.limit is not None and arguments.limit < 0:
        raise InputError("--limit: expected a number of at least 0")
    job = replace(_job(arguments), waits=arguments.wait)
    with FillProgress() as progress:
        code = asyncio.run(generate(job, progress.say, arguments.limit, progress.report))
    tell(progress.summary)
    resume = _resume(arguments, job.prompts_path, job.session_path)
    tell(f"label them with: {resume}")
    return code


def _resume(arguments: Namespace, prompts: Path, session: Path) -> str:
    """The command that goes on as it was begun."""
    from dpo_tui import paths
    from dpo_tui.settings import SETTINGS

    # Somebody may have started over meanwhile: the prompts file finds that session from then on.
    has_newer = session.exists() and session != paths.latest_session_path(prompts)

    words = ["dpo-tui", "annotate", str(arguments.prompts)]
    for setting in SETTINGS:
        value = vars(arguments).get(setting.last_name) if setting.flag else None
        if value is not None:
            words += _flag_words(setting.flag, value)
    for flag, value in (("--from", arguments.from_), ("--columns", arguments.columns)):
        if value:
            words += [flag, value]
    if arguments.session is not None or has_newer:
        words += ["--session", _typed(session)]
    if arguments.annotator:
        words += ["--annotator", arguments.annotator]
    if arguments.local:
        words.append("--local")
    command = shlex.join(words)
    # What was piped is gone; the same rows find the session again.
    return f"... | {command}" if _is_piped(arguments) else command


def _typed(session: Path) -> str:
    """A session as `--session` takes it: without a separator it could be taken for a name."""
    path = str(session)
    return path if os.sep in path else f".{os.sep}{path}"


def _flag_words(flag: str, value: object) -> list[str]:
    """A flag as it is typed."""
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag.removeprefix('--')}"]
    return [flag, str(value)]


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


def _say_goodbye(outcome: Outcome, resume: str) -> None:
    progress = outcome.progress
    counts = (
        f"{progress.confirmed:,} confirmed, {progress.skipped:,} skipped, {progress.left:,} left"
    )
    print(display(f"{counts}, {progress.pairs} pairs"))
    print(display(f"dataset  {outcome.dataset_path}"))
    if outcome.dataset_trouble:
        print(display(f"         is behind, and catches up next time: {outcome.dataset_trouble}"))
    print(display(f"go on    {resume}"))


def _tell_crash(error: BaseException) -> None:
    """Say that it was our fault, and keep the traceback (without values) for a report."""
    import traceback

    from dpo_tui.paths import data_dir

    tell(
        f"dpo-tui: stopped by a fault of its own: {type(error).__name__}\n"
        "Everything that was decided is saved; start again to go on."
    )
    try:
        report = data_dir() / "crash.txt"
        report.touch(mode=0o600)
        report.write_text("".join(traceback.format_exception(error)), errors="backslashreplace")
    except (OSError, DpoTuiError):
        return
    tell(f"What happened is in {report}")


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


def _export(arguments: Namespace) -> int:
    from dpo_tui.export_command import run_export

    session = existing_session(arguments)
    run_export(arguments, session, settings_for(arguments), user_name())
    return 0


def _convert(arguments: Namespace) -> int:
    from dpo_tui import paths
    from dpo_tui.convert_command import run_convert
    from dpo_tui.settings import read_config, resolve_settings

    flags = {name: vars(arguments)[name] for name in ("pairs", "bad_rows")}
    config = read_config(paths.config_file())
    run_convert(arguments, resolve_settings(flags, os.environ, {}, config))
    return 0


def _push(arguments: Namespace) -> int:
    from dpo_tui.export_command import run_push

    session = existing_session(arguments)
    run_push(arguments, session, settings_for(arguments), user_name())
    return 0


_COMMANDS: dict[str, Callable[[Namespace], int]] = {
    "annotate": _annotate,
    "generate": _generate,
    "doctor": _doctor,
    "init": _init,
    "sessions": list_sessions,
    "history": show_history,
    "verify": verify_session,
    "backup": back_up_session,
    "export": _export,
    "push": _push,
    "report": report_session,
    "convert": _convert,
}
