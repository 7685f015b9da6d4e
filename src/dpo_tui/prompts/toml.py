"""prompts.toml: lists of system and user messages, `[[prompt]]` tables, settings, other files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from msgspec import Struct

from dpo_tui.domain.model import Prompt
from dpo_tui.inputs import Place, inside, read_toml_table, validated
from dpo_tui.prompts.row import conversation, prompt_from
from dpo_tui.settings import RawSettings, settings_of

_LOADER = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


class Body(Struct):
    """The keys of a prompts file that aren't settings."""

    system: str | list[str] | None = None
    user: str | list[str] | None = None
    prompt: list[dict[str, object]] = []
    include: str | list[str] = []
    loader: str | None = None


class TomlPrompts(Struct, frozen=True):
    """One prompts.toml, without what it only refers to."""

    settings: RawSettings
    products: tuple[tuple[str | None, ...], tuple[str, ...]]
    """System messages, user messages: each of the first goes with each of the second."""
    tables: tuple[Prompt, ...]
    """The `[[prompt]]` tables."""
    include: tuple[str, ...]
    """Other prompts files, as written: relative to this one's folder."""
    loader: str | None
    """`module:function`."""
    place: Place

    def prompts(self) -> Iterator[Prompt]:
        """All users for the first system message, then for the next; then the tables."""
        for system, user in product(*self.products):
            yield Prompt(conversation(system, user, self.place))
        yield from self.tables


def read_toml(path: Path) -> TomlPrompts:
    """Read and check a prompts.toml; what it includes isn't touched.

    Raises:
        InputError: the file can't be read, or something in it is wrong; says where and why.
    """
    place = Place(str(path))
    table = read_toml_table(path)
    names = Body.__struct_fields__
    body_table = {name: table.pop(name) for name in names if name in table}
    settings = settings_of(table, path, besides=names)
    if isinstance(body_table.get("prompt"), dict):
        raise place.error("expected [[prompt]], found [prompt]", remedy="Use two brackets.")
    body = validated(body_table, Body, place)
    if body.loader is not None and not _LOADER.fullmatch(body.loader):
        raise place.error(
            "expected module:function",
            key="loader",
            remedy="Name a Python module beside this file and a function in it.",
        )
    return TomlPrompts(
        settings=settings,
        products=_products(body, place),
        tables=tuple(
            prompt_from(each, Place(str(path), f"[[prompt]] number {number}"))
            for number, each in enumerate(body.prompt, start=1)
        ),
        include=_listed(body.include),
        loader=body.loader,
        place=place,
    )


def _products(body: Body, place: Place) -> tuple[tuple[str | None, ...], tuple[str, ...]]:
    systems, users = _listed(body.system), _listed(body.user)
    if systems and not users:
        raise place.error(
            "needs user beside it",
            key="system",
            remedy="Add user = [...]; a [[prompt]] table has a system of its own.",
        )
    for key, value in (("system", body.system), ("user", body.user)):
        if value == []:
            raise place.error("expected text or a list of texts, found an empty list", key=key)
    for index, user in enumerate(users):
        key = "user" if isinstance(body.user, str) else inside("user", index)
        conversation(None, user, place, key=key)
    return systems or (None,), users


def _listed(value: str | list[str] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
