"""Where things are kept: the XDG folders, and the file names made from a prompts file.

Folders are made when they are used, for the user alone.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

import platformdirs

from dpo_tui.errors import InputError

APP_NAME = "dpo-tui"
HUB = "hf:"
PIPED = "stdin:"
NOT_FILES = (HUB, PIPED)
"""How prompts are called that are no file of this machine."""
_STEM_BYTES = 80
_LONGEST_ENDING = "-01234567.lock"
"""Of the files that lie beside a session."""
_UNSAFE = re.compile(r"[^\w.-]+")


def data_dir() -> Path:
    """The folder of everything that the app keeps.

    Raises:
        InputError: it can't be made.
    """
    return _own_folder(platformdirs.user_data_path(APP_NAME, appauthor=False))


def sessions_dir() -> Path:
    """The folder of the session files."""
    return _own_folder(data_dir() / "sessions")


def config_file() -> Path:
    """The user's config file; neither it nor its folder need exist."""
    return platformdirs.user_config_path(APP_NAME, appauthor=False) / "config.toml"


def preferences_file() -> Path:
    """The file of what the screen remembers; neither it nor its folder need exist."""
    return platformdirs.user_state_path(APP_NAME, appauthor=False) / "preferences.json"


def make_private(folder: Path) -> None:
    """Make a folder and what is missing above it, each open to the user alone whatever the umask.

    Like `mkdir -p`, but `Path.mkdir` forgets the mode above the last one. What exists is left as it
    is.

    Raises:
        OSError: it can't be made.
    """
    if folder.is_dir():
        return
    make_private(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)


def temporary_beside(path: Path) -> Path:
    """Where the next content of a file is made, which only one process may do at a time.

    Always the same name for the same file, and a short one: that of the file may be as long as the
    system allows.
    """
    digest = sha256(os.fsencode(path.name)).hexdigest()[:16]
    return path.with_name(f".{digest}.dpo-tui-tmp")


def resolved(path: Path) -> Path:
    """Where a path leads; a link that leads to itself is no error yet."""
    return Path(os.path.realpath(path))


def known_as(prompts: Path) -> Path:
    """What a prompts file is known by wherever one stands; what is no file keeps its name."""
    return resolved(prompts) if _is_file(prompts) else prompts


def session_path(prompts: Path) -> Path:
    """The session file of a prompts file, always the same one for the same file."""
    place = known_as(prompts)
    digest = sha256(os.fsencode(place)).hexdigest()[:10]
    path = sessions_dir() / f"{_safe(_stem(place))}-{digest}.db"
    # Once, a session was called like the link that it was begun under.
    return path if path.exists() else min(path.parent.glob(f"*-{digest}.db"), default=path)


def session_named(name_or_path: str) -> Path:
    """The session file that a person names: a path if it looks like one, else a session's name.

    Raises:
        InputError: the name is blank, too long or that of a folder, or it can't be told whether it
            is there.
    """
    if not name_or_path.strip():
        raise InputError("--session: the name is empty", remedy="Give it a name or a path.")
    is_path = os.sep in name_or_path or name_or_path.endswith(".db")
    path = Path(name_or_path) if is_path else sessions_dir() / f"{name_or_path}.db"
    if not path.name:
        raise InputError(f"--session: {path} is a folder", remedy="Name a file in it.")
    try:
        Path(f"{path}{_LONGEST_ENDING}").exists()
    except OSError as error:
        raise InputError(
            f"--session: {path}: {error.strerror or error}", remedy="Name another one."
        ) from error
    return path


def fresh_session_path(path: Path) -> Path:
    """Where to start over: the session file itself if it isn't there, else a free one beside it.

    It is numbered above all that exist, `<stem>.2.db` first, so that it is the newest.
    """
    newest = _newest_number(path)
    return _numbered(path, newest + 1)


def latest_session_path(prompts: Path) -> Path:
    """The session file to go on with: the one that was started last for this prompts file."""
    path = session_path(prompts)
    return _numbered(path, _newest_number(path) or 1)


def own_dataset_path(prompts: Path, annotator: str, others: Iterable[Path]) -> Path:
    """The dataset file of an annotator, beside the prompts file; if it is none, where one stands.

    The first one has the plain name; where it is one of the `others`, the annotator's own is in it.
    """
    taken = {os.fsencode(resolved(each)).lower() for each in others}
    name = _safe(annotator)
    digest = sha256(annotator.encode(errors="surrogatepass")).hexdigest()[:8]
    is_file = _is_file(prompts)
    folder, stem = (prompts.parent, prompts.stem) if is_file else (Path(), _safe(_stem(prompts)))
    *free, last = (
        folder / f"{stem}{own}.dpo.jsonl" for own in ("", f".{name}", f".{name}-{digest}")
    )
    return next((each for each in free if os.fsencode(resolved(each)).lower() not in taken), last)


def _is_file(prompts: Path) -> bool:
    """Whether it is the name of a file, not of a dataset of the hub or of what was piped."""
    return not str(prompts).startswith(NOT_FILES)


def _stem(prompts: Path) -> str:
    return prompts.stem if _is_file(prompts) else str(prompts)


def _own_folder(folder: Path) -> Path:
    """A folder that is the app's own, made or made private if need be."""
    try:
        make_private(folder)
        if folder.stat().st_mode & 0o077:
            folder.chmod(0o700)
        if not os.access(folder, os.R_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise InputError(
            f"{folder}: can't be used as a folder: {error.strerror or error}",
            remedy="Make it readable and writable, or set XDG_DATA_HOME to a folder that is.",
        ) from error
    return folder


def _safe(name: str) -> str:
    """A name as a bounded part of a file name."""
    safe = _UNSAFE.sub("_", name).encode()[:_STEM_BYTES].decode(errors="ignore").strip(".-")
    return safe or "prompts"


def _numbered(path: Path, number: int) -> Path:
    return path if number == 1 else path.with_name(f"{path.stem}.{number}{path.suffix}")


def _newest_number(path: Path) -> int:
    """The highest number of the session files that were started from `path`; 0 if there are none.

    The first one has no number in its name.
    """
    if not path.parent.is_dir():
        return 0
    named = re.compile(rf"{re.escape(path.stem)}\.([2-9]|[1-9][0-9]+){re.escape(path.suffix)}")
    matches = (named.fullmatch(each.name) for each in path.parent.iterdir())
    return max((int(match[1]) for match in matches if match), default=int(path.exists()))
