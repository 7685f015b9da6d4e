"""Reading what people write: files, tables, values; and saying what is wrong with them, where."""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import reduce
from io import BufferedReader
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
from msgspec import Struct

from dpo_tui.errors import InputError

_T = TypeVar("_T")

_KEY_REMEDY = "Put the key into an environment variable and name that variable with api_key_env."
_UTF8_REMEDY = "Save the file as UTF-8."

_ISSUE = re.compile(r"(?P<problem>.*?)(?: - at (?P<in_key>`key` in )?`\$(?P<path>.*)`)?", re.DOTALL)
_STEP = re.compile(r"\.(?P<name>\w+)|\[(?P<index>\d+)\]")
_NUMBERED = re.compile(r", number \d+$")
_EXPECTED = re.compile(
    r"Expected `(?P<types>[^`]+)`(?P<length> of length)?(?: (?P<relation>[<>]=?) (?P<bound>\S+))?"
    r"(?:, got `(?P<got>.*)`)?"
)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL)
_INVALID = re.compile(r"Invalid value (?P<value>'.*')", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>.*)`")
_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}
_SOME = "[...]"
"""In a path of msgspec: some value of a table, whichever it is."""
_RELATIONS = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than"}


class Place(Struct, frozen=True):
    """Where something was found, as a person would point at it."""

    source: str
    """The file, or the flag or variable."""
    item: str = ""
    """What inside it: `line 3`, `[[prompt]] number 2`."""

    def error(self, problem: str, *, key: str = "", remedy: str = "") -> InputError:
        """An error about this place, or about one key there."""
        inside = ", ".join(filter(None, (self.item, key and f"key {key}")))
        return InputError(": ".join(filter(None, (self.source, inside, problem))), remedy=remedy)


def validated(
    value: object, type_: type[_T], place: Place, *, key: str = "", strict: bool = True
) -> _T:
    """`value` as a `type_` of msgspec.

    Not `strict`, text also stands for what it spells: `"4"` for 4.

    Raises:
        InputError: it is something else; says at which key, what was expected and what was found.
    """
    try:
        return msgspec.convert(value, type_, strict=strict)
    except msgspec.ValidationError as error:
        known = getattr(type_, "__struct_fields__", ())
        raise _explained(error, value, known, place, key) from None
    except UnicodeEncodeError:
        raise place.error("holds half a surrogate pair, which is no text", key=key) from None


def unknown_key(name: str, known: Iterable[str], place: Place, *, within: str = "") -> InputError:
    """The error about a key that means nothing, with what was likely meant."""
    key = inside(within, name)
    if is_api_key(name):
        return place.error("an API key doesn't belong in a file", key=key, remedy=_KEY_REMEDY)
    known = tuple(known)
    by_last_name = {each.rpartition(".")[2]: each for each in known}
    close = get_close_matches(name, by_last_name, n=1)
    if not close:
        remedy = f"Known are: {', '.join(known)}." if known else ""
    elif close[0] == name:
        remedy = _misplaced(by_last_name[name])
    else:
        remedy = f"Did you mean {by_last_name[close[0]]}?"
    return place.error("not a known key here", key=key, remedy=remedy)


def inside(key: str, step: str | int) -> str:
    """How a person would point at one name of a table or one item (0-based) of a list at `key`."""
    if isinstance(step, int):
        return f"{key}, number {step + 1}"
    if not key:
        return step
    return f"{key}, key {step}" if _NUMBERED.search(key) else f"{key}.{step}"


def is_api_key(name: str) -> bool:
    """Whether a key of this name would hold a secret."""
    return name.lower().replace("-", "").replace("_", "") == "apikey"


def found(value: object) -> str:
    """What a value is, in a few words, for the end of a message."""
    match value:
        case str():
            words = f"text {value!r}" if len(value) <= 40 else f"text {value[:40]!r}..."
        case None:
            words = "null"
        case bool():
            words = str(value).lower()
        case int() if abs(value) >= 10**20:
            words = "a huge number"
        case int() | float():
            words = str(value)
        case Mapping():
            words = "a table"
        case list() | tuple():
            words = "a list" if value else "an empty list"
        case _:
            words = f"a {type(value).__name__}"
    return words


def open_input(path: Path) -> BufferedReader:
    """A file that a person named, opened to read bytes.

    Raises:
        InputError: there is none, or it can't be read.
    """
    try:
        kind = stat.S_IFMT(path.stat().st_mode)
        if kind not in {stat.S_IFREG, stat.S_IFDIR}:  # opening a pipe would wait for a writer
            raise InputError(f"{path}: this is not a file", remedy="Name a file.")
        return path.open("rb")
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file", remedy="Check the path.") from None
    except IsADirectoryError:
        raise InputError(f"{path}: this is a folder", remedy="Name a file in it.") from None
    except PermissionError:
        raise InputError(
            f"{path}: you may not read this file", remedy=f"Give yourself access: chmod u+r {path}"
        ) from None
    except OSError as error:
        raise unreadable(path, error) from error
    except ValueError:  # a null character, which no path can hold
        raise InputError(f"{str(path)!r}: not a path", remedy="Check the path.") from None


def unreadable(path: Path, error: OSError) -> InputError:
    """The error about a file that the system doesn't give."""
    return InputError(
        f"{path}: can't be read: {error.strerror or error}", remedy="Check the path and the disk."
    )


def read_toml_table(path: Path) -> dict[str, object]:
    """The top-level table of a TOML file.

    Raises:
        InputError: the file can't be read or isn't TOML; says the line and column.
    """
    with open_input(path) as file:
        try:
            text = file.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise Place(str(path), f"line {line}").error(
                "not UTF-8 text", remedy=_UTF8_REMEDY
            ) from None
        except OSError as error:
            raise unreadable(path, error) from error
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise InputError(f"{path}: nested too deeply", remedy="Flatten the lists.") from None
    except ValueError as error:  # tomllib's own error, and Python's about absurd numbers
        raise InputError(
            f"{path}: not valid TOML: {error}",
            remedy='Text stands in quotes: key = "text"; a list in brackets: key = ["a", "b"].',
        ) from None


def _misplaced(known: str) -> str:
    """What to do with a key that is known under this full name, elsewhere."""
    table = known.rpartition(".")[0]
    if table:
        return f"It belongs in the table [{table}]."
    return "It belongs at the top of the file, above the first [table]."


def _explained(
    error: msgspec.ValidationError, value: object, known: Iterable[str], place: Place, key: str
) -> InputError:
    """An error of msgspec in the words of people."""
    issue = cast("re.Match[str]", _ISSUE.fullmatch(str(error)))
    problem = issue["problem"]
    path, in_some_value, _ = (issue["path"] or "").partition(_SOME)
    steps = [step["name"] or int(step["index"]) for step in _STEP.finditer(path)]
    where = reduce(inside, steps, key)
    if unknown := _UNKNOWN.fullmatch(problem):
        return unknown_key(unknown["name"], () if steps else known, place, within=where)
    if invalid := _INVALID.fullmatch(problem):  # a part of a message: nothing else has a kind
        return place.error(f"only text can be labelled, found {invalid['value']}", key=where)
    if missing := _MISSING.fullmatch(problem):
        return place.error(f"the key {missing['name']} is missing", key=where)
    if issue["in_key"]:
        return place.error("expected keys that are text", key=where)
    if expected := _EXPECTED.fullmatch(problem):
        problem = f"expected {_in_words(expected)}"
        if not in_some_value:
            problem += f", found {found(_at(value, steps))}"
        elif got := expected["got"]:
            problem += f", found {_WORDS.get(got, got)}"
    if in_some_value:
        problem = f"in one of its values: {problem}"
    return place.error(problem, key=where)


def _in_words(expected: re.Match[str]) -> str:
    types = expected["types"].split(" | ")
    words = " or ".join(_WORDS.get(each, each) for each in types if each != "null")
    if not expected["relation"]:
        return words
    bound = f"{_RELATIONS[expected['relation']]} {expected['bound']}"
    return f"{words} of length {bound}" if expected["length"] else f"{words}, {bound}"


def _at(value: object, steps: Iterable[str | int]) -> object:
    """The part of `value` that an error of msgspec points at."""
    part: Any = value
    for step in steps:
        part = part[step]
    return part
