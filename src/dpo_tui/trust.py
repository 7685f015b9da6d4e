"""Whose code may run: a loader's, once the person has said so, until its file changes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from dpo_tui.errors import InputError
from dpo_tui.inputs import open_input
from dpo_tui.paths import data_dir
from dpo_tui.prompts.loader import Loader


def require_trust(loaders: Iterable[Loader], *, allowed: bool) -> None:
    """Let loaders run that the person has allowed, now or before.

    Only the file that a loader is in is known again, not what it imports in turn.

    Raises:
        InputError: one of them is in a file that was never allowed, or has changed since.
    """
    modules = [(each, file) for each in loaders if (file := each.module_file())]
    if not modules:
        return
    store = data_dir() / "trusted.json"
    trusted = _read(store)
    digests = {str(file): _digest(file) for _, file in modules}
    if allowed:
        _write(store, trusted | digests)
        return
    for loader, file in modules:
        if trusted.get(str(file)) != digests[str(file)]:
            why = "has changed since you allowed it" if str(file) in trusted else "runs as you"
            raise InputError(
                f"{loader.prompts_file}: the loader {loader.spec} is code that {why}: {file}",
                remedy="Read it. If you trust it, add --allow-loader once; you are asked again "
                "when it changes.",
            )


def _digest(file: Path) -> str:
    with open_input(file) as code:
        return sha256(code.read()).hexdigest()


def _read(store: Path) -> dict[str, str]:
    """What was allowed, as digests by path; nothing if the file can't be read."""
    try:
        known = json.loads(store.read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _write(store: Path, trusted: Mapping[str, str]) -> None:
    temporary = store.with_name(f"{store.name}.{os.getpid()}.tmp")
    try:
        temporary.unlink(missing_ok=True)
        temporary.touch(mode=0o600, exist_ok=False)
        temporary.write_text(json.dumps(trusted, indent=1) + "\n", encoding="ascii")
        temporary.replace(store)
    except OSError as error:
        raise InputError(
            f"{store}: can't be written: {error.strerror or error}",
            remedy="Make its folder writable, or set XDG_DATA_HOME to one that is.",
        ) from error
