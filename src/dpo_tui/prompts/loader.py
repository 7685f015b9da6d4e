"""The user's own Python: a function that yields prompts, for whatever no file form fits."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from traceback import extract_tb

from msgspec import Struct

from dpo_tui.domain.model import Prompt
from dpo_tui.errors import InputError
from dpo_tui.inputs import Place, found
from dpo_tui.prompts.row import prompt_from


class Loader(Struct, frozen=True):
    """A prompts file's loader."""

    spec: str
    """`module:function`."""
    prompts_file: Path

    def module_file(self) -> Path | None:
        """The file whose code would run, found without running any; None if there is none.

        For a package that is installed, the file of the whole package.
        """
        module_name = self.spec.partition(":")[0]
        for candidate in _beside(module_name, self.prompts_file):
            if candidate.is_file():
                return candidate.resolve()
        with suppress(ValueError):  # a module that has lost its spec
            spec = find_spec(module_name.partition(".")[0])
            if spec and spec.origin and Path(spec.origin).is_file():
                return Path(spec.origin).resolve()
        return None

    def prompts(self) -> Iterator[Prompt]:
        """Run it.

        Raises:
            InputError: there is no such function, it raised something, or an item is no prompt.
        """
        return load(self.spec, self.prompts_file)


def load(spec: str, prompts_file: Path) -> Iterator[Prompt]:
    """The prompts that `module:function` yields; the module is looked for beside the prompts file.

    The function takes no arguments; what it yields is text or a mapping with the keys of `Row`.

    Raises:
        InputError: there is no such function, it raised something, or an item is no prompt.
    """
    place = Place(str(prompts_file), f"loader {spec}")
    with _failures_told(place):
        items = _items(_function(spec, prompts_file, place)(), place)
        iterator = iter(items)
    number = 0
    while True:
        number += 1
        with _failures_told(place):
            try:
                item = next(iterator)
            except StopIteration:
                return
        yield prompt_from(item, Place(place.source, f"{place.item}, item {number}"))


def _function(spec: str, prompts_file: Path, place: Place) -> Callable[[], object]:
    module_name, _, name = spec.partition(":")
    folder = prompts_file.absolute().parent
    importlib.invalidate_caches()
    sys.path.insert(0, str(folder))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise place.error(
            f"there is no module {error.name}",
            remedy="It is looked for beside the prompts file, then among what is installed.",
        ) from None
    finally:
        with suppress(ValueError):
            sys.path.remove(str(folder))
    origin = getattr(module, "__file__", None) or "Python itself"
    candidates = _beside(module_name, prompts_file)
    if Path(origin) not in candidates and any(each.exists() for each in candidates):
        raise place.error(
            f"another module named {module_name} is in use already, from {origin}",
            remedy="Rename the one beside the prompts file.",
        )
    function: object = getattr(module, name, None)
    if not callable(function):
        raise place.error(
            f"there is no function {name} in {origin}",
            remedy="The loader is written module:function.",
        )
    return function


def _beside(module_name: str, prompts_file: Path) -> tuple[Path, Path]:
    """Where the module would be beside the prompts file: as a package, which wins, or a file."""
    place = prompts_file.absolute().parent.joinpath(*module_name.split("."))
    return place / "__init__.py", place.with_suffix(".py")


def _items(value: object, place: Place) -> Iterable[object]:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise place.error(
            f"expected an iterable of prompts, found {found(value)}",
            remedy="The function returns a list of prompts, or yields them.",
        )
    return value


@contextmanager
def _failures_told(place: Place) -> Iterator[None]:
    """What the user's code raises, as an error that points into that code."""
    try:
        yield
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        folder = Path(place.source).absolute().parent
        raise place.error(
            f"{_told(error)}{_line_of(error, folder)}",
            remedy="The error is in the loader's own code.",
        ) from error


def _told(error: BaseException) -> str:
    words = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def _line_of(error: BaseException, folder: Path) -> str:
    """The innermost line of the user's code that the error went through, if there is one."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" ({error.filename}, line {error.lineno})"
    for frame in reversed(extract_tb(error.__traceback__)):
        if Path(frame.filename).is_relative_to(folder):
            return f" ({frame.filename}, line {frame.lineno})"
    return ""
