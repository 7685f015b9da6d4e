"""One prompts file of any form, with all that it includes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import Path

from msgspec import Struct, field

from dpo_tui import __version__
from dpo_tui.domain.model import Prompt
from dpo_tui.errors import InputError
from dpo_tui.inputs import open_input, unreadable
from dpo_tui.paths import PIPED
from dpo_tui.prompts.data import STANDARD_INPUT, Data
from dpo_tui.prompts.forms.table import form_of
from dpo_tui.prompts.hub import hub_files, is_hub
from dpo_tui.prompts.loader import Loader
from dpo_tui.prompts.rows import ForeignRows, RawRows, Reading, read_rows
from dpo_tui.prompts.tally import Tally
from dpo_tui.prompts.text import read_text
from dpo_tui.prompts.toml import TomlPrompts, read_toml
from dpo_tui.settings import RawSettings

_Part = Callable[[Reading, Tally], Iterable[Prompt]]

_FRESH_SECONDS = 2.0
"""A file that was changed this recently could be changed again within one tick of its clock."""


class PromptsFile(Struct, frozen=True):
    """A prompts file: its settings, and its prompts as often as they are read.

    Reading holds no more than one line or row in memory, and runs the loader if there is one. It
    raises InputError at what is wrong, or if there is no prompt at all.
    """

    path: Path
    settings: RawSettings = field(default_factory=dict)
    loaders: tuple[Loader, ...] = ()
    """Whose code runs when it is read."""
    content: str = ""
    """A digest of what it holds, if there is no file to look at."""
    files: tuple[Path, ...] = ()
    """It itself, and what it includes."""
    _parts: tuple[_Part, ...] = ()

    def fingerprint(self, now: float, reading: str = "") -> bytes | None:
        """The same bytes as long as the files are the same ones, as size and time tell.

        `reading` says how they are read. None if that can't be known: a loader may say anything,
        and a file that was changed just before `now` (Unix time in seconds) may still be changing.

        Raises:
            InputError: a file is gone.
        """
        if self.loaders:
            return None
        seen: list[object] = [__version__, reading, self.content]
        for path in self.files:
            try:
                status = path.stat()
            except OSError as error:
                raise unreadable(path, error) from error
            if now - status.st_mtime < _FRESH_SECONDS:
                return None
            # The last one also tells of a change whose time was set back.
            times = status.st_mtime_ns, status.st_ctime_ns
            seen.append((os.fsencode(path.resolve()).hex(), status.st_size, *times))
        return sha256(json.dumps(seen).encode()).digest()

    def read(self, reading: Reading, tally: Tally) -> Iterator[Prompt]:
        """Its prompts; `tally` gets to know what the rows of other people's files were.

        Raises:
            InputError: something in it is wrong, or there is no prompt.
        """
        empty = True
        for part in self._parts:
            for prompt in part(reading, tally):
                empty = False
                yield prompt
        if empty:
            raise self.no_prompts()

    def parts(
        self, reading: Reading, tally: Tally, size: int
    ) -> Iterator[RawRows | Sequence[Prompt]]:
        """The same, so many at a time; other people's rows are left to whoever reads them.

        Raises:
            InputError: something in it is wrong. That there are too many bad rows, or no prompt at
                all, is for the caller to find.
        """
        for part in self._parts:
            prompts = part(reading, tally)
            if isinstance(prompts, ForeignRows):
                yield from prompts.parts(size)
            else:
                prompts = iter(prompts)
                while some := list(islice(prompts, size)):
                    yield some

    def no_prompts(self) -> InputError:
        """The error that there is no prompt in it."""
        return InputError(
            f"{self.path}: there are no prompts in it",
            remedy="Add some; `dpo-tui init` writes a file to start from.",
        )

    def __iter__(self) -> Iterator[Prompt]:
        return self.read(Reading(), Tally())


def read_prompts(path: Path) -> PromptsFile:
    """Open a prompts file, of the form that its ending says.

    TOML files are read and checked here, included ones too, and a dataset of the hub is fetched; of
    the others only that they are there is checked.

    Raises:
        InputError: a file can't be read, is of no supported form, or something in it is wrong.
    """
    if not _is_toml(path):
        data = _data(path)
        return PromptsFile(
            path,
            files=tuple(each.path for each in data),
            _parts=tuple(_part(each) for each in data),
        )
    toml = read_toml(path)
    parts = tuple(_parts(toml, (path,)))
    return PromptsFile(
        path,
        toml.settings,
        loaders=tuple(origin for origin, _ in parts if isinstance(origin, Loader)),
        files=tuple(origin for origin, _ in parts if isinstance(origin, Path)),
        _parts=tuple(part for _, part in parts),
    )


def settings_in(path: Path) -> RawSettings:
    """The settings of a prompts file; what it includes, which can be far away, isn't touched.

    Raises:
        InputError: the file can't be read, or something in it is wrong.
    """
    return read_toml(path).settings if _is_toml(path) else {}


def read_piped() -> PromptsFile:
    """All of standard input, known by its content.

    Raises:
        InputError: it can't be read.
    """
    data, digest = Data.spooled()
    return PromptsFile(Path(f"{PIPED}{digest[:16]}"), content=digest, _parts=(_part(data),))


def stream_piped() -> PromptsFile:
    """Standard input, to be read once, as it comes.

    Raises:
        InputError: it can't be read.
    """
    return PromptsFile(Path(STANDARD_INPUT), _parts=(_part(Data.piped()),))


def _parts(toml: TomlPrompts, chain: tuple[Path, ...]) -> Iterator[tuple[Path | Loader, _Part]]:
    """Where the prompts of a TOML file come from, in order; `chain` leads to it from the first."""
    path = chain[-1]
    yield path, _unread(toml.prompts)
    for name in toml.include:
        included = Path(name) if is_hub(name) else path.parent / name
        found = _included(included, chain)
        if isinstance(found, TomlPrompts):
            yield from _parts(found, (*chain, included))
        else:
            yield from found
    if toml.loader is not None:
        loader = Loader(toml.loader, path)
        yield loader, _unread(loader.prompts)


def _unread(prompts: Callable[[], Iterator[Prompt]]) -> _Part:
    """Prompts that aren't rows, so that there is only one way to read them."""
    return lambda _reading, _tally: prompts()


def _included(path: Path, chain: tuple[Path, ...]) -> TomlPrompts | list[tuple[Path, _Part]]:
    with _included_by(chain):
        if not _is_toml(path):
            return [(each.path, _part(each)) for each in _data(path)]
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


def _data(path: Path) -> list[Data]:
    """The files that are meant."""
    if is_hub(str(path)):
        return hub_files(str(path))
    open_input(path).close()
    return [Data(path)]


def _part(data: Data) -> _Part:
    form = form_of(data)
    return partial(read_rows, data, form) if form else partial(_text, data)


def _text(data: Data, reading: Reading, _: Tally) -> Iterator[Prompt]:
    """Plain text, which can't be read as rows."""
    if reading.shape:
        raise InputError(
            f"{data.source}: plain text, a prompt a line, has no columns and no format",
            remedy="Leave --from and --columns out, or name a file that ends in .csv or .jsonl.",
        )
    return read_text(data)


def _is_toml(path: Path) -> bool:
    return path.suffix.lower() == ".toml"
