"""The settings: what there is to set, and whose word counts.

A setting comes from a flag, else from the environment, else from the prompts file, else from the
user's `config.toml`, else it has its default. `SETTINGS` lists them all; a new one is one row there
and one field of `Settings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, cast

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from dpo_tui.domain.model import Sampling
from dpo_tui.domain.pairs import PairPolicy, pair_policy
from dpo_tui.domain.sources import SamplingPlan, SourceSettings
from dpo_tui.inputs import Place, read_toml_table, unknown_key, unreadable, validated
from dpo_tui.secret import Secret
from dpo_tui.source_tables import (
    ENDPOINT,
    SOURCE,
    TABLES,
    EndpointSettings,
    Tables,
    endpoints_of,
    group_size,
    read_tables,
    sources_of,
)
from dpo_tui.values import (
    Concurrency,
    Count,
    MaxTokens,
    Seed,
    Setting,
    Share,
    Temperature,
    Temperatures,
    TopP,
    check_extra,
    journal_mode,
    keep_or_drop,
    named,
    plan_of,
    preference_use,
    stops,
    text,
    url,
    valid,
    variable,
    which_pairs,
)

DEFAULT_KEY_VARIABLE = "OPENAI_API_KEY"
DEFAULT_MAX_TOKENS = 1024

RawSettings = Mapping[str, object]
"""The settings of one file: valid values by full name (`sampling.seed`), paths made absolute."""

_SAMPLING = "sampling"
_EXTRA = "sampling.extra"
_KEYS = "keys"
_SERVERS = frozenset({"base_url", ENDPOINT})
"""Two ways to say where the servers are: who says either has said it all."""


class Settings(Struct, frozen=True):
    """Everything that can be set, resolved."""

    base_url: str | None = None
    """Base URL of the model server, as in `http://127.0.0.1:8000/v1`. Without one, and without
    `endpoints`, the usual ports of this machine are looked at."""
    model: str | None = None
    """Which of the server's models to ask. Without one, the only one that it has."""
    api_key_env: str = DEFAULT_KEY_VARIABLE
    """Name of the environment variable that holds the API key, if the server wants one."""
    n: int = 4
    """How many responses each prompt gets: 2 to 20."""
    sampling: Sampling = field(default_factory=lambda: Sampling(max_tokens=DEFAULT_MAX_TOKENS))
    """How responses are sampled: `temperature`, `top_p`, `max_tokens` (1024 if not set), `seed`,
    `stop`, and under `extra` whatever else the server takes."""
    temperatures: tuple[float, ...] = ()
    """In place of `sampling.temperature`, a list that is spread over the responses of a group."""
    output: Path | None = None
    """The dataset file. Without one, `<prompts-stem>.dpo.jsonl` beside the prompts file."""
    ahead: int | None = None
    """How many groups are generated ahead of the one on screen; 0 generates only that one. Without
    one, it follows your pace and the server's."""
    concurrency: int = 8
    """How many completions to keep the server busy with at the same time: 1 to 256."""
    allow_cut_off: bool = False
    """Whether a response that hit the token limit may become a side of a pair."""
    slow_link: bool = False
    """Whether to repaint half as often and in 256 colours, for a thin or distant SSH link."""
    shuffle: bool = True
    """Whether cards are shown in an order by chance, so that their place doesn't sway you."""
    blind: bool | None = None
    """Whether model, temperature and server stay hidden until the group is decided. Without one,
    where the responses of a group are made in several ways."""
    show_lengths: bool = True
    """Whether token counts are shown before the group is decided."""
    near_duplicates: float = 0.9
    """From which similarity on (0 to 1) a response is marked as nearly the same; 0 turns it off.
    Responses of more than 50,000 characters are not compared."""
    reject_original: bool = False
    """Whether a response that you edit is marked rejected, against your edit."""
    skipped: bool = False
    """Whether skipped groups come back once all others are decided."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """The `[labels]` table: what a decision can be labelled with, and what that means."""
    theme: str | None = None
    """The colours: `dpo-dark`, `dpo-light`, `dpo-16` or one of Textual's. Without one, what was
    chosen in the palette last, else `dpo-dark`; `dpo-16` where there are 16 colours only."""
    title: bool = True
    """Whether the terminal's title says what is being labelled."""
    bell: bool = False
    """Whether the terminal's bell rings when the group that you wait for is complete, and when a
    server goes down."""
    bad_rows: float = 0.05
    """The share of a file's rows that may be of no use, where it is one of other people's: 0 to
    1."""
    preferences: str = "ignore"
    """What becomes of preferences that the prompts file has: `ignore`, `suggest` (you see them as
    marks) or `decide` (they are decisions of an annotator named after the file)."""
    removed_pairs: str = "keep"
    """Whether the pairs of prompts that are no longer in the prompts file stay in the dataset:
    `keep` or `drop`."""
    pairs: str | int = "all"
    """Which pairs a group gives: `all` (every chosen x every rejected response), `best` (the best x
    every rejected one), `one`, or a number for at most so many."""
    best_over_chosen: bool = False
    """Whether the best response also makes pairs with the other chosen ones."""
    live_format: str = "swift"
    """The form of the dataset file; `dpo-tui export --help` lists them. It stays what it was when
    the file was begun."""
    journal: str | None = None
    """How SQLite keeps the session file whole: `wal`, or `truncate` on a network file system.
    Without one, as the type of its file system says."""
    model_file: Path | None = None
    """The GGUF file of the embedded server. Without one, the packaged small model."""
    endpoints: tuple[EndpointSettings, ...] = ()
    """The `[[endpoint]]` tables, which take the place of `base_url`."""
    sources: tuple[SourceSettings, ...] = ()
    """The `[[source]]` tables: who makes how many responses of each group."""
    keys: Mapping[str, object] = field(default_factory=dict)
    """The `[keys]` table of config.toml, as it was written: which keys do what."""

    @property
    def named_endpoints(self) -> tuple[EndpointSettings, ...]:
        """The servers that were named, in tables or as the one `base_url`; empty if none was."""
        if self.base_url is None:
            return self.endpoints
        return (EndpointSettings(self.base_url, self.model, self.api_key_env, self.concurrency),)

    @property
    def pair_policy(self) -> PairPolicy:
        """Which pairs a group gives."""
        return replace(
            pair_policy(self.pairs),
            best_over_chosen=self.best_over_chosen,
            allow_cut_off=self.allow_cut_off,
        )

    @property
    def plan(self) -> SamplingPlan:
        """How responses are sampled where neither the prompt nor a source says otherwise."""
        return SamplingPlan(self.sampling, self.temperatures)


SETTINGS = (
    Setting("base_url", str, "--base-url", url, discreet=True),
    Setting("model", str, "--model", text),
    Setting("api_key_env", str, "--api-key-env", variable, discreet=True),
    Setting("n", Count, "-n"),
    Setting("sampling.temperature", Temperatures, "--temperature", spelled=Temperature),
    Setting("sampling.top_p", TopP, "--top-p"),
    Setting("sampling.max_tokens", MaxTokens, "--max-tokens"),
    Setting("sampling.seed", Seed, "--seed"),
    Setting("sampling.stop", str | list[str], check=stops),
    Setting("output", Path, "--output"),
    Setting("ahead", Annotated[int, Meta(ge=0)], "--ahead"),
    Setting("concurrency", Concurrency, "--concurrency"),
    Setting("allow_cut_off", bool, "--allow-cut-off"),
    Setting("slow_link", bool, "--slow-link"),
    Setting("shuffle", bool, "--shuffle"),
    Setting("blind", bool, "--blind"),
    Setting("show_lengths", bool, "--show-lengths"),
    Setting("near_duplicates", Annotated[float, Meta(ge=0, le=1)], "--near-duplicates"),
    Setting("reject_original", bool, "--reject-original"),
    Setting("skipped", bool, "--skipped"),
    Setting("labels", dict[str, str], check=named),
    Setting("theme", str, "--theme", text),
    Setting("title", bool, "--title"),
    Setting("bell", bool, "--bell"),
    Setting("bad_rows", Share, "--bad-rows"),
    Setting("preferences", str, "--preferences", preference_use),
    Setting("removed_pairs", str, "--removed-pairs", keep_or_drop),
    Setting("pairs", str | int, "--pairs", which_pairs),
    Setting("best_over_chosen", bool, "--best-over-chosen"),
    Setting("live_format", str, "--live-format", text),
    Setting("journal", str, check=journal_mode),
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
        InputError: a flag or a variable has a value that the setting doesn't take, or what was
            said in several places doesn't go together.
    """
    variables = {
        each.name: _typed(each, environ[each.variable], each.variable)
        for each in SETTINGS
        if each.variable and environ.get(each.variable)
    }
    given_flags = {
        each.name: _typed(each, flags[each.last_name], each.flag)
        for each in SETTINGS
        if each.flag and flags.get(each.last_name) is not None
    }
    said = _merged(config, prompts_file, variables, given_flags)
    tables = prompts_file.get(ENDPOINT) or config.get(ENDPOINT)
    return _settings(said, cast("Tables | None", tables))


def _merged(*layers: RawSettings) -> dict[str, Any]:
    """What counts of all that was said; later layers win."""
    said: dict[str, Any] = {}
    for layer in layers:
        if not _SERVERS.isdisjoint(layer):
            said = {name: value for name, value in said.items() if name not in _SERVERS}
        if isinstance(sources := layer.get(SOURCE), Tables) and sources.counts_only:
            said.pop("n", None)
        said |= layer
    return said


def place_of(
    name: str,
    flags: Mapping[str, object],
    environ: Mapping[str, str],
    files: Iterable[tuple[Path, RawSettings]],
) -> Place:
    """Where the value of a top-level setting that counts was said; its name if nowhere.

    For what only others know to be wrong. The first of the files counts most.
    """
    setting = _BY_PLACE["", name]
    if flags.get(name) is not None:
        return Place(setting.flag)
    if environ.get(setting.variable):
        return Place(setting.variable)
    places = (Place(str(path), f"key {name}") for path, said in files if name in said)
    return next(places, Place(name))


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
    table = read_toml_table(path)
    # A person's own habit, so that only this file has it; the screen knows what there is to bind.
    keys = table.pop(_KEYS, None)
    settings = settings_of(table, path, besides=[_KEYS])
    if keys is None:
        return settings
    return {**settings, _KEYS: validated(keys, dict[str, object], Place(str(path)), key=_KEYS)}


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
            check_extra({name: value}, place, _EXTRA)
            settings[full_name] = value
        elif full_name in TABLES:
            settings[full_name] = read_tables(name, value, place.source)
        elif setting := _BY_PLACE.get((table_name, name)):
            folder = path.absolute().parent
            settings[full_name] = valid(setting, value, place, key=full_name, folder=folder)
        else:
            known = (*(each.name for each in SETTINGS), *TABLES, *besides)
            raise unknown_key(name, known, place, within=table_name)
    if settings.keys() >= _SERVERS:
        raise place.error(
            "doesn't go together with [[endpoint]] tables",
            key="base_url",
            remedy="Make it one of the [[endpoint]] tables.",
        )
    return settings


def api_key(server: Settings | EndpointSettings, environ: Mapping[str, str]) -> Secret | None:
    """The key from the environment variable that was named for the server, if it is set."""
    value = environ.get(server.api_key_env, "").strip()
    return Secret(value) if value else None


def _settings(said: dict[str, Any], tables: Tables | None) -> Settings:
    """`tables` are the endpoints that were declared, whether they count or not."""
    sampling: dict[str, Any] = {"max_tokens": DEFAULT_MAX_TOKENS}
    extra: dict[str, object] = {}
    others: dict[str, Any] = {}
    for name, value in said.items():
        if name.startswith(f"{_EXTRA}."):
            extra[name.removeprefix(f"{_EXTRA}.")] = value
        elif name.startswith(f"{_SAMPLING}."):
            sampling[name.removeprefix(f"{_SAMPLING}.")] = value
        elif name not in TABLES:
            others[name] = value
    plan = plan_of({**sampling, "extra": extra})
    settings = Settings(**others, sampling=plan.sampling, temperatures=plan.temperatures)
    if endpoints := said.get(ENDPOINT):
        settings = replace(
            settings,
            endpoints=endpoints_of(
                endpoints, settings.model, settings.api_key_env, settings.concurrency
            ),
        )
    if sources := said.get(SOURCE):
        settings = replace(
            settings,
            n=group_size(sources, said.get("n"), settings.n),
            sources=sources_of(sources, tables, one_endpoint=settings.base_url is not None),
        )
    return settings


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


def _typed(setting: Setting, value: object, name: str) -> object:
    """The value of a flag or variable; a relative path starts at the working directory."""
    return valid(setting, value, Place(name), strict=False)
