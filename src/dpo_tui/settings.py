"""The settings: what there is to set, and whose word counts.

A setting comes from a flag, else from the environment, else from the prompts file, else from the
user's `config.toml`, else it has its default. `SETTINGS` lists them all; a new one is one row there
and one field of `Settings`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from math import isfinite
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from dpo_tui.domain.model import MAX_RESPONSES, MIN_RESPONSES, Sampling
from dpo_tui.errors import InputError
from dpo_tui.inputs import (
    Place,
    found,
    inside,
    is_api_key,
    read_toml_table,
    unknown_key,
    unreadable,
    validated,
)
from dpo_tui.secret import Secret

DEFAULT_KEY_VARIABLE = "OPENAI_API_KEY"
DEFAULT_MAX_TOKENS = 1024

RawSettings = Mapping[str, object]
"""The settings of one file: valid values by full name (`sampling.seed`), paths made absolute."""

Count = Annotated[int, Meta(ge=MIN_RESPONSES, le=MAX_RESPONSES)]
Temperature = Annotated[float, Meta(ge=0, le=sys.float_info.max)]
TopP = Annotated[float, Meta(gt=0, le=1)]
MaxTokens = Annotated[int, Meta(ge=1)]
Seed = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]

_SAMPLING = "sampling"
_EXTRA = "sampling.extra"
_NOT_EXTRA = frozenset(
    {"model", "messages", "n", "stream", "temperature", "top_p", "max_tokens", "seed", "stop"}
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set, resolved."""

    base_url: str | None = None
    """Base URL of the model server, as in `http://127.0.0.1:8000/v1`. Without one, the usual ports
    of this machine are looked at."""
    model: str | None = None
    """Which of the server's models to ask. Without one, the only one that it has."""
    api_key_env: str = DEFAULT_KEY_VARIABLE
    """Name of the environment variable that holds the API key, if the server wants one."""
    n: int = 4
    """How many responses each prompt gets: 2 to 20."""
    sampling: Sampling = field(default_factory=lambda: Sampling(max_tokens=DEFAULT_MAX_TOKENS))
    """How responses are sampled: `temperature`, `top_p`, `max_tokens` (1024 if not set), `seed`,
    `stop`, and under `extra` whatever else the server takes."""
    output: Path | None = None
    """The dataset file. Without one, `<prompts-stem>.dpo.jsonl` beside the prompts file."""
    ahead: int = 3
    """How many groups are generated ahead of the one on screen; 0 generates only that one."""
    concurrency: int = 8
    """How many completions to keep the server busy with at the same time: 1 to 256."""
    allow_cut_off: bool = False
    """Whether a response that hit the token limit may become a side of a pair."""
    model_file: Path | None = None
    """The GGUF file of the embedded server. Without one, the packaged small model."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that can be set: its names, and what it takes."""

    name: str
    """As in a file, with the table in front: `sampling.seed`."""
    kind: Any
    """The type that its value has in a file, in msgspec's terms; `Path` for a path."""
    flag: str = ""
    """As on the command line; empty if it has none, and no variable either."""
    check: Callable[[Any], str] = lambda _: ""
    """What should have been written instead of a value of the right type; empty if it is good."""
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


def _text(value: str) -> str:
    return "" if value.strip() else "text that isn't blank"


def _url(value: str) -> str:
    good = value.strip() and "@" not in value
    return "" if good else "a URL such as http://127.0.0.1:8000/v1, without user name or password"


def _variable(value: str) -> str:
    good = value.isascii() and value.isidentifier()
    return "" if good else "the name of an environment variable, not the key itself"


def _stops(value: str | list[str]) -> str:
    return "" if all([value] if isinstance(value, str) else value) else "text that isn't empty"


SETTINGS = (
    Setting("base_url", str, "--base-url", _url, discreet=True),
    Setting("model", str, "--model", _text),
    Setting("api_key_env", str, "--api-key-env", _variable, discreet=True),
    Setting("n", Count, "-n"),
    Setting("sampling.temperature", Temperature, "--temperature"),
    Setting("sampling.top_p", TopP, "--top-p"),
    Setting("sampling.max_tokens", MaxTokens, "--max-tokens"),
    Setting("sampling.seed", Seed, "--seed"),
    Setting("sampling.stop", str | list[str], check=_stops),
    Setting("output", Path, "--output"),
    Setting("ahead", Annotated[int, Meta(ge=0)], "--ahead"),
    Setting("concurrency", Annotated[int, Meta(ge=1, le=256)], "--concurrency"),
    Setting("allow_cut_off", bool, "--allow-cut-off"),
    Setting("model_file", Path, "--model-file"),
)
_BY_PLACE = {(each.table, each.last_name): each for each in SETTINGS}


def resolve_settings(
    flags: Mapping[str, object],
    environ: Mapping[str, str],
    prompts_file: RawSettings,
    config: RawSettings,
) -> Settings:
    """The settings that count, from all that was said.

    `flags` are the command line's values by the setting's last name (`temperature`), as text or as
    what it spells; `None` is a flag that wasn't given, and other names are somebody else's. An
    empty environment variable is one that isn't set.

    Raises:
        InputError: a flag or a variable has a value that the setting doesn't take.
    """
    said = {**config, **prompts_file}
    for setting in SETTINGS:
        if setting.variable and environ.get(setting.variable):
            said[setting.name] = _typed(setting, environ[setting.variable], setting.variable)
    for setting in SETTINGS:
        if setting.flag and flags.get(setting.last_name) is not None:
            said[setting.name] = _typed(setting, flags[setting.last_name], setting.flag)
    return _settings(said)


def read_config(path: Path) -> RawSettings:
    """The settings of the user's `config.toml`; none if there is no such file.

    Raises:
        InputError: the file can't be read, or something in it isn't a setting.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise unreadable(path, error) from error
    return settings_of(read_toml_table(path), path)


def settings_of(
    table: Mapping[str, object], path: Path, *, besides: Iterable[str] = ()
) -> RawSettings:
    """The settings that a file's top-level table holds.

    `besides` are the keys that the file may hold too, to suggest them; they are not in `table`.

    Raises:
        InputError: something in it isn't a setting, or not a good one.
    """
    place = Place(str(path))
    settings = {}
    for table_name, name, value in _entries(table, place):
        full_name = f"{table_name}.{name}" if table_name else name
        if table_name == _EXTRA:
            _check_extra(name, value, place)
            settings[full_name] = value
        elif setting := _BY_PLACE.get((table_name, name)):
            folder = path.absolute().parent
            settings[full_name] = _valid(setting, value, place, key=full_name, folder=folder)
        else:
            known = (*(each.name for each in SETTINGS), *besides)
            raise unknown_key(name, known, place, within=table_name)
    return settings


def api_key(settings: Settings, environ: Mapping[str, str]) -> Secret | None:
    """The key from the environment variable that the settings name, if it is set."""
    value = environ.get(settings.api_key_env, "").strip()
    return Secret(value) if value else None


def _settings(said: RawSettings) -> Settings:
    sampling: dict[str, Any] = {"max_tokens": DEFAULT_MAX_TOKENS}
    extra: dict[str, object] = {}
    others: dict[str, Any] = {}
    for name, value in said.items():
        if name.startswith(f"{_EXTRA}."):
            extra[name.removeprefix(f"{_EXTRA}.")] = value
        elif name.startswith(f"{_SAMPLING}."):
            sampling[name.removeprefix(f"{_SAMPLING}.")] = value
        else:
            others[name] = value
    stop = sampling.get("stop", ())
    sampling["stop"] = (stop,) if isinstance(stop, str) else tuple(stop)
    return Settings(**others, sampling=Sampling(**sampling, extra=extra))


def _entries(table: Mapping[str, object], place: Place) -> Iterator[tuple[str, str, object]]:
    """Table, name and value of everything in a file that should be a setting."""
    for name, value in table.items():
        if name != _SAMPLING:
            yield "", name, value
            continue
        sampling = validated(value, dict[str, object], place, key=_SAMPLING)
        extra = validated(sampling.pop("extra", {}), dict[str, object], place, key=_EXTRA)
        yield from ((_SAMPLING, inner, each) for inner, each in sampling.items())
        yield from ((_EXTRA, inner, each) for inner, each in extra.items())


def _check_extra(name: str, value: object, place: Place) -> None:
    if name in _NOT_EXTRA:
        raise place.error(
            "not sent from [sampling.extra]",
            key=f"{_EXTRA}.{name}",
            remedy="What has a setting of its own is set there; messages and stream can't be set.",
        )
    _check_json({name: value}, place, _EXTRA)


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


def _typed(setting: Setting, value: object, name: str) -> object:
    """The value of a flag or variable; a relative path starts at the working directory."""
    return _valid(setting, value, Place(name), strict=False)


def _valid(
    setting: Setting,
    value: object,
    place: Place,
    *,
    key: str = "",
    folder: Path = Path(),
    strict: bool = True,
) -> object:
    is_path = setting.kind is Path
    if is_path and isinstance(value, Path):
        value = str(value)
    try:
        valid = validated(value, str if is_path else setting.kind, place, key=key, strict=strict)
    except InputError:
        if setting.discreet:
            raise place.error("expected text", key=key) from None
        raise
    if problem := _path_problem(valid) if is_path else setting.check(valid):
        ending = "" if setting.discreet else f", found {found(valid)}"
        raise place.error(f"expected {problem}{ending}", key=key)
    return folder / Path(valid).expanduser() if is_path else valid


def _path_problem(value: str) -> str:
    try:
        good = value.strip() and "\0" not in value and Path(value).expanduser()
    except RuntimeError:  # the home folder of a user that doesn't exist
        good = False
    return "" if good else "a path"
