"""One prompts file of any form, with all that it includes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from dpo_tui.domain.model import Prompt
from dpo_tui.errors import InputError
from dpo_tui.inputs import open_input, unreadable
from dpo_tui.prompts.jsonl import read_jsonl
from dpo_tui.prompts.loader import Loader
from dpo_tui.prompts.text import read_text
from dpo_tui.prompts.toml import TomlPrompts, read_toml
from dpo_tui.settings import RawSettings

_Part = Callable[[], Iterator[Prompt]]

_FRESH_SECONDS = 2.0
"""A file that was changed this recently could be changed again within one tick of its clock."""

_BY_LINES: dict[str, Callable[[Path], Iterator[Prompt]]] = {
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".txt": read_text,
}


@dataclass(frozen=True, slots=True)
class PromptsFile:
    """A prompts file: its settings, and its prompts as often as they are iterated over.

    Iterating reads again, holds no more than one line of JSONL or text in memory, and runs the
    loader if there is one. It raises InputError at what is wrong, or if there is no prompt at all.
    """

    path: Path
    settings: RawSettings = field(default_factory=dict)
    loaders: tuple[Loader, ...] = ()
    """Whose code runs when it is iterated over."""
    _files: tuple[Path, ...] = ()
    """It itself, and what it includes."""
    _parts: tuple[_Part, ...] = ()

    def fingerprint(self, now: float) -> bytes | None:
        """The same bytes as long as the files are the same ones, as size and time tell.

        None if that can't be known: a loader may say anything, and a file that was changed just
        before `now` (Unix time in seconds) may still be changing.

        Raises:
            InputError: a file is gone.
        """
        if self.loaders:
            return None
        seen: list[object] = [version("dpo-tui")]
        for path in self._files:
            try:
                status = path.stat()
            except OSError as error:
                raise unreadable(path, error) from error
            if now - status.st_mtime < _FRESH_SECONDS:
                return None
            seen.append((os.fsencode(path.resolve()).hex(), status.st_size, status.st_mtime_ns))
        return sha256(json.dumps(seen).encode()).digest()

    def __iter__(self) -> Iterator[Prompt]:
        empty = True
        for part in self._parts:
            for prompt in part():
                empty = False
                yield prompt
        if empty:
            raise InputError(
                f"{self.path}: there are no prompts in it",
                remedy="Add some; `dpo-tui init` writes a file to start from.",
            )


def read_prompts(path: Path) -> PromptsFile:
    """Open a prompts file, of the form that its extension says.

    TOML files are read and checked here, included ones too; of the others only that they are there.

    Raises:
        InputError: a file can't be read, is of no supported form, or something in it is wrong.
    """
    if not _is_toml(path):
        return PromptsFile(path, _files=(path,), _parts=(_lines(path),))
    toml = read_toml(path)
    parts = tuple(_parts(toml, (path,)))
    return PromptsFile(
        path,
        toml.settings,
        loaders=tuple(origin for origin, _ in parts if isinstance(origin, Loader)),
        _files=tuple(origin for origin, _ in parts if isinstance(origin, Path)),
        _parts=tuple(part for _, part in parts),
    )


def _parts(toml: TomlPrompts, chain: tuple[Path, ...]) -> Iterator[tuple[Path | Loader, _Part]]:
    """Where the prompts of a TOML file come from, in order; `chain` leads to it from the first."""
    path = chain[-1]
    yield path, toml.prompts
    for name in toml.include:
        included = path.parent / name
        found = _included(included, chain)
        if isinstance(found, TomlPrompts):
            yield from _parts(found, (*chain, included))
        else:
            yield included, found
    if toml.loader is not None:
        loader = Loader(toml.loader, path)
        yield loader, loader.prompts


def _included(path: Path, chain: tuple[Path, ...]) -> TomlPrompts | _Part:
    with _included_by(chain):
        if not _is_toml(path):
            return _lines(path)
        open_input(path).close()
        if path.resolve() in (each.resolve() for each in chain):
            raise InputError(f"{path}: includes itself", remedy="Break the circle.")
        toml = read_toml(path)
        if toml.settings:
            raise InputError(
                f"{path}: has settings ({', '.join(toml.settings)}), but is included",
                remedy="Settings stand in the file that is opened: move them there.",
            )
        return toml


@contextmanager
def _included_by(chain: tuple[Path, ...]) -> Iterator[None]:
    """Errors here also tell how one came to the file."""
    try:
        yield
    except InputError as error:
        names = " > ".join(str(each) for each in chain)
        raise InputError(f"{error.message} (included by {names})", remedy=error.remedy) from None


def _lines(path: Path) -> _Part:
    open_input(path).close()
    reader = _BY_LINES.get(path.suffix.lower())
    if reader is None:
        raise InputError(
            f"{path}: not a form of prompts file that can be read",
            remedy=f"Supported are .toml, {', '.join(_BY_LINES)}; the file name says which it is.",
        )
    return partial(reader, path)


def _is_toml(path: Path) -> bool:
    return path.suffix.lower() == ".toml"
