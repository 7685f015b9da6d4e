"""The `[[endpoint]]` and `[[source]]` tables: several servers, several sources in one group.

Both are declared like the settings themselves, one row for each key.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from dpo_tui.domain.model import MAX_RESPONSES, MIN_RESPONSES
from dpo_tui.domain.sources import SourceSettings
from dpo_tui.inputs import Place, unknown_key, validated
from dpo_tui.values import (
    Concurrency,
    MaxTokens,
    Seed,
    Setting,
    Temperatures,
    TopP,
    check_extra,
    plan_of,
    stops,
    text,
    url,
    valid,
    variable,
)

ENDPOINT = "endpoint"
SOURCE = "source"
TABLES = {
    ENDPOINT: (
        Setting("name", str, check=text),
        Setting("base_url", str, check=url, discreet=True),
        Setting("model", str, check=text),
        Setting("api_key_env", str, check=variable, discreet=True),
        Setting("concurrency", Concurrency),
    ),
    SOURCE: (
        Setting("name", str, check=text),
        Setting("model", str, check=text),
        Setting("endpoint", str, check=text),
        Setting("count", Annotated[int, Meta(ge=1, le=MAX_RESPONSES)]),
        Setting("weight", Annotated[float, Meta(gt=0, le=sys.float_info.max)]),
        Setting("temperature", Temperatures),
        Setting("top_p", TopP),
        Setting("max_tokens", MaxTokens),
        Setting("seed", Seed),
        Setting("stop", str | list[str], check=stops),
        Setting("extra", dict[str, object]),
    ),
}
"""The keys that each kind of table can have."""


class EndpointSettings(Struct, frozen=True):
    """One server that was named."""

    base_url: str
    """As it was written."""
    model: str | None
    """Which of its models to ask. Without one, the only one that it has."""
    api_key_env: str
    """Name of the environment variable that holds its API key, if it wants one."""
    concurrency: int
    """How many completions to keep it busy with at the same time."""
    name: str | None = None
    """What the sources call it."""


class Tables(Struct, frozen=True):
    """All tables of one kind of one file, each with valid values by key."""

    kind: str
    file: str
    rows: tuple[Mapping[str, Any], ...]

    def place(self, index: int) -> Place:
        """Where a row stands."""
        return Place(self.file, f"[[{self.kind}]] number {index + 1}")

    @property
    def names(self) -> tuple[str, ...]:
        """The names that are given."""
        return tuple(row["name"] for row in self.rows if "name" in row)

    @property
    def counts_only(self) -> bool:
        """Whether the tables say how many responses there are: every source has its count."""
        return bool(self.rows) and all("count" in row for row in self.rows)


def read_tables(kind: str, value: object, file: str) -> Tables:
    """Check what a file has under `endpoint` or `source`.

    Raises:
        InputError: these aren't tables, or something in them is wrong.
    """
    if isinstance(value, dict):
        raise Place(file).error(f"expected [[{kind}]], found [{kind}]", remedy="Use two brackets.")
    raw = validated(value, list[dict[str, object]], Place(file), key=kind)
    tables = Tables(kind, file, ())
    rows = tuple(_row(kind, each, tables.place(index)) for index, each in enumerate(raw))
    tables = Tables(kind, file, rows)
    seen = Counter[str]()
    for index, row in enumerate(rows):
        if (name := row.get("name")) is None:
            continue
        seen[name] += 1
        if seen[name] > 1:
            raise tables.place(index).error(
                f"another [[{kind}]] has the name {name!r}", key="name", remedy="Change one."
            )
    return tables


def _row(kind: str, raw: Mapping[str, object], place: Place) -> dict[str, Any]:
    known = {each.name: each for each in TABLES[kind]}
    for name in raw:
        if name not in known:
            raise unknown_key(name, known, place)
    row: dict[str, Any] = {
        name: valid(known[name], value, place, key=name) for name, value in raw.items()
    }
    if "extra" in row:
        check_extra(row["extra"], place, "extra")
    if kind == ENDPOINT and "base_url" not in row:
        raise place.error("the key base_url is missing")
    if "count" in row and "weight" in row:
        raise place.error(
            "doesn't go together with count",
            key="weight",
            remedy="count is a number of responses, weight a share of the rest: take one out.",
        )
    return row


def endpoints_of(
    tables: Tables, model: str | None, api_key_env: str, concurrency: int
) -> tuple[EndpointSettings, ...]:
    """The endpoints; what a table leaves open is as at the top of the file."""
    default = {"model": model, "api_key_env": api_key_env, "concurrency": concurrency}
    return tuple(EndpointSettings(**{**default, **row}) for row in tables.rows)


def sources_of(
    tables: Tables, endpoints: Tables | None, *, one_endpoint: bool
) -> tuple[SourceSettings, ...]:
    """The sources; `one_endpoint`: a base URL that was named takes the place of all endpoints.

    Raises:
        InputError: one names an endpoint that there isn't.
    """
    names = endpoints.names if endpoints else ()
    for index, row in enumerate(tables.rows):
        if row.get("endpoint", "") not in ("", *names):
            known = f"Named are: {', '.join(names)}." if names else "None has a name."
            raise tables.place(index).error(
                f"no [[endpoint]] has the name {row['endpoint']!r}", key="endpoint", remedy=known
            )
    return tuple(
        SourceSettings(
            name=row.get("name"),
            model=row.get("model"),
            endpoint=None if one_endpoint else row.get("endpoint"),
            plan=plan_of(row),
            count=row.get("count"),
            weight=row.get("weight", 1.0),
        )
        for row in tables.rows
    )


def group_size(tables: Tables, n: int | None, default: int) -> int:
    """How many responses each prompt gets; `n` if that was said.

    Raises:
        InputError: the counts don't go together with it.
    """
    total = sum(row.get("count", 0) for row in tables.rows)
    size = n or (total if tables.counts_only else default)
    place = Place(tables.file, "[[source]]")
    if not MIN_RESPONSES <= size <= MAX_RESPONSES:
        raise place.error(
            f"the counts add up to {total}, expected {MIN_RESPONSES} to {MAX_RESPONSES}",
            key="count",
        )
    if total > size or (tables.counts_only and total < size):
        raise place.error(
            f"the counts add up to {total}, but n is {size}",
            key="count",
            remedy="Change n or the counts, or give a source a weight in place of its count.",
        )
    return size
