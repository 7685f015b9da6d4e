"""What the screen remembers of a person from one run to the next: choices made with a key.

What is set (flag, environment, files) is no business of this: it counts for more.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

import msgspec

from dpo_tui.errors import InputError
from dpo_tui.paths import make_private


class Preferences(msgspec.Struct, frozen=True):
    """The choices; empty where none was made."""

    theme: str = ""
    layout: str = ""


def load_preferences(path: Path) -> Preferences:
    """What the file says. One that is missing, unreadable or damaged says nothing."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Preferences)
    except (OSError, msgspec.DecodeError):
        return Preferences()


def save_preferences(path: Path, preferences: Preferences) -> None:
    """Replace the file in one step, for the user alone.

    Raises:
        InputError: it can't be written; it is as it was then.
    """
    try:
        make_private(path.parent)
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                file.write(msgspec.json.encode(preferences))
                file.flush()
                Path(file.name).replace(path)
            except OSError:
                with suppress(OSError):
                    Path(file.name).unlink()
                raise
    except OSError as error:
        raise InputError(
            f"{path}: can't be written: {error.strerror or error}",
            remedy="What you chose lasts until you leave.",
        ) from error
