"""What a setting is: its names, the values that it takes, and how a value is checked."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import date, time
from math import isfinite
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from dpo_tui.domain.model import MAX_RESPONSES, MIN_RESPONSES, PreferenceUse, Sampling
from dpo_tui.domain.pairs import pair_policy
from dpo_tui.domain.sources import SamplingPlan
from dpo_tui.errors import InputError
from dpo_tui.inputs import Place, found, inside, is_api_key, unknown_key, validated

Count = Annotated[int, Meta(ge=MIN_RESPONSES, le=MAX_RESPONSES)]
Temperature = Annotated[float, Meta(ge=0, le=sys.float_info.max)]
Temperatures = Temperature | Annotated[list[Temperature], Meta(min_length=1)]
"""One for all responses, or a list that is spread over them."""
TopP = Annotated[float, Meta(gt=0, le=1)]
MaxTokens = Annotated[int, Meta(ge=1)]
Seed = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
MAX_CONCURRENCY = 256
Share = Annotated[float, Meta(ge=0, le=1)]
Concurrency = Annotated[int, Meta(ge=1, le=MAX_CONCURRENCY)]

_NOT_EXTRA = frozenset(
    {"model", "messages", "n", "stream", "temperature", "top_p", "max_tokens", "seed", "stop"}
)


class Setting(Struct, frozen=True):
    """One thing that can be set: its names, and what it takes."""

    name: str
    """As in a file, with the table in front: `sampling.seed`."""
    kind: Any
    """The type that its value has in a file, in msgspec's terms; `Path` for a path."""
    flag: str = ""
    """As on the command line; empty if it has none, and no variable either."""
    check: Callable[[Any], str] = lambda _: ""
    """What should have been written instead of a value of the right type; empty if it is good."""
    spelled: Any = None
    """The type that its value has on the command line, if another one than in a file."""
    discreet: bool = False
    """Whether people put secrets there by mistake: what was found is not told then."""

    @property
    def table(self) -> str:
        """The table that it stands in; empty at the top of a file."""
        return self.name.rpartition(".")[0]

    @property
    def last_name(self) -> str:
        """The name without its table: as `argparse` and people call it."""
        return self.name.rpartition(".")[2]

    @property
    def variable(self) -> str:
        """The environment variable, if it has one."""
        return f"DPO_TUI_{self.last_name.upper()}" if self.flag else ""


def text(value: str) -> str:
    """Check for something to read."""
    return "" if value.strip() else "text that isn't blank"


def url(value: str) -> str:
    """Check for what could be a base URL and holds no password; http:// may be left out."""
    text = value.strip()
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if is_url and not any(each in text for each in "@?#"):
        return ""
    return "a URL such as http://127.0.0.1:8000/v1, without user name, password or query"


def variable(value: str) -> str:
    """Check for a name that an environment variable can have, which a key seldom could."""
    good = value.isascii() and value.isidentifier()
    return "" if good else "the name of an environment variable, not the key itself"


def keep_or_drop(value: str) -> str:
    """Check for one of two words."""
    return "" if value in {"keep", "drop"} else "keep or drop"


def journal_mode(value: str) -> str:
    """Check for a way that SQLite keeps a session file whole."""
    return "" if value in {"wal", "truncate"} else "wal or truncate"


def which_pairs(value: str | int) -> str:
    """Check for a word or a number that says which pairs are made."""
    try:
        pair_policy(value)
    except ValueError:
        return "all, best, one, or a number of pairs"
    return ""


def named(value: Mapping[str, str]) -> str:
    """Check for a table of names that can be read."""
    return "" if all(name.strip() for name in value) else "names that aren't blank"


def preference_use(value: str) -> str:
    """Check for what can become of preferences."""
    uses = [each.value for each in PreferenceUse]
    return "" if value in uses else f"one of {', '.join(uses)}"


def stops(value: str | list[str]) -> str:
    """Check for texts that a response can stop at."""
    return "" if all([value] if isinstance(value, str) else value) else "text that isn't empty"


def valid(
    setting: Setting,
    value: object,
    place: Place,
    *,
    key: str = "",
    folder: Path = Path(),
    strict: bool = True,
) -> object:
    """The value as the setting takes it; a relative path is made to start at `folder`.

    Not `strict`, text also stands for what it spells.

    Raises:
        InputError: the setting doesn't take it.
    """
    is_path = setting.kind is Path
    if is_path and isinstance(value, Path):
        value = str(value)
    kind = setting.kind if strict else setting.spelled or setting.kind
    try:
        good = validated(value, str if is_path else kind, place, key=key, strict=strict)
    except InputError:
        if setting.discreet:
            raise place.error("expected text", key=key) from None
        raise
    if problem := _path_problem(good) if is_path else setting.check(good):
        ending = "" if setting.discreet else f", found {found(good)}"
        raise place.error(f"expected {problem}{ending}", key=key)
    return folder / Path(good).expanduser() if is_path else good


def _path_problem(value: str) -> str:
    try:
        good = value.strip() and "\0" not in value and Path(value).expanduser()
    except RuntimeError:  # the home folder of a user that doesn't exist
        good = False
    return "" if good else "a path"


def plan_of(fields: Mapping[str, Any]) -> SamplingPlan:
    """The sampling that checked values of these names say: `temperature`, `stop`, `extra`, ..."""
    temperature = fields.get("temperature")
    stop = fields.get("stop") or ()
    return SamplingPlan(
        Sampling(
            temperature=None if isinstance(temperature, list) else temperature,
            top_p=fields.get("top_p"),
            max_tokens=fields.get("max_tokens"),
            seed=fields.get("seed"),
            stop=(stop,) if isinstance(stop, str) else tuple(stop),
            extra=fields.get("extra") or {},
        ),
        tuple(temperature) if isinstance(temperature, list) else (),
    )


def check_extra(fields: Mapping[str, object], place: Place, key: str) -> None:
    """Check what stands under `extra`, at `key`, to be sent as it is.

    Raises:
        InputError: it has a setting of its own, or can't be sent.
    """
    for name in fields:
        if name in _NOT_EXTRA:
            raise place.error(
                f"not sent from {key}",
                key=inside(key, name),
                remedy="What has a setting of its own is set there; messages and stream "
                "can't be set.",
            )
    _check_json(fields, place, key)


def _check_json(value: object, place: Place, key: str) -> None:
    match value:
        case dict():
            for name, inner in value.items():
                if is_api_key(name):
                    raise unknown_key(name, (), place, within=key)
                _check_json(inner, place, inside(key, name))
        case list():
            for index, inner in enumerate(value):
                _check_json(inner, place, inside(key, index))
        case float() if not isfinite(value):
            raise place.error(f"expected a finite number, found {found(value)}", key=key)
        case date() | time():
            raise place.error(f"expected a number or text, found {found(value)}", key=key)
