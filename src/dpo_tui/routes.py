"""From the settings to the endpoints that are asked: part of the composition root."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from msgspec import Struct

from dpo_tui.backend.address import Address
from dpo_tui.backend.client import HttpChatClient
from dpo_tui.backend.discovery import ResolvedEndpoint, resolve_endpoint
from dpo_tui.backend.identity import identify
from dpo_tui.domain.sources import SourceSettings
from dpo_tui.errors import (
    MAY_PASS,
    BackendError,
    InputError,
)
from dpo_tui.secret import Secret
from dpo_tui.service.generation import Route
from dpo_tui.settings import Settings
from dpo_tui.source_tables import EndpointSettings

KeyOf = Callable[[EndpointSettings], Secret | None]
"""The key for an endpoint, if its environment variable is set."""


class _Looked(Struct, frozen=True):
    """What came of looking for one endpoint."""

    route: Route | None
    error: BackendError | None
    """Why it can't be asked now."""
    name: str = ""
    """What sources call it; empty if it has no name."""


async def find_routes(
    settings: Settings, key_of: KeyOf, say: Callable[[str], None], *, has_work: bool
) -> list[Route]:
    """The endpoints that were named, or the one that runs on this machine.

    An endpoint that doesn't answer is told as long as another one does; it is asked when it is
    back, if its model was named, and left out otherwise. With `has_work` there is something to
    label already, so that none at all is told too, and no error.

    Raises:
        InputError: it can't be told which endpoint or model is meant, or a source has none.
        BackendError: no endpoint can be used, or none that a source needs; what somebody has to
            mend comes first.
    """
    named = settings.named_endpoints
    ways = [_named_route(each, key_of, say) for each in named] or [_found_route(settings, say)]
    looked = await asyncio.gather(*ways)
    routes = [each.route for each in looked if each.route]
    errors = [each.error for each in looked if each.error]
    if len(errors) == len(looked) and not has_work:
        raise _first_to_mend(errors)
    _check_sources(settings.sources, looked, has_work=has_work)
    for each in looked:
        if each.error and not (each.route and has_work):  # then the screen tells
            say(str(each.error))
    if not routes:
        say("Labelling what is there already.")
    return routes


async def _named_route(
    endpoint: EndpointSettings, key_of: KeyOf, say: Callable[[str], None]
) -> _Looked:
    key = key_of(endpoint)
    try:
        resolved = await resolve_endpoint(
            endpoint.base_url, endpoint.model, key, endpoint.api_key_env
        )
    except BackendError as error:
        return _Looked(None, error, endpoint.name or "")
    if resolved.note:
        say(resolved.note)
    client = HttpChatClient(
        resolved.base_url,
        resolved.model,
        key,
        endpoint.api_key_env,
        max_connections=2 * endpoint.concurrency,
        name=endpoint.name or "",
        models=resolved.models,
    )
    route = Route(client, await _room(resolved, key, endpoint.concurrency))
    return _Looked(route, resolved.trouble, client.name)


async def _found_route(settings: Settings, say: Callable[[str], None]) -> _Looked:
    try:
        resolved = await resolve_endpoint(None, settings.model, None, settings.api_key_env)
    except BackendError as error:
        return _Looked(None, error)
    say(f"{resolved.note} Using {resolved.model}.")
    # No key: it is for a server that was named, and this one may be anybody's.
    client = HttpChatClient(
        resolved.base_url,
        resolved.model,
        None,
        settings.api_key_env,
        max_connections=2 * settings.concurrency,
        models=resolved.models,
    )
    return _Looked(Route(client, await _room(resolved, None, settings.concurrency)), None)


async def _room(resolved: ResolvedEndpoint, key: Secret | None, wanted: int) -> int:
    """How many completions to keep it busy with: no more than it has slots, if it tells.

    What goes beyond waits in the server, and what the person asks for next would wait behind it.
    """
    if resolved.server != "llama.cpp":
        return wanted
    identity = await identify(Address(resolved.base_url, key), resolved.models, resolved.server)
    return min(wanted, identity.slots or wanted)


def _check_sources(
    sources: Sequence[SourceSettings], looked: Sequence[_Looked], *, has_work: bool
) -> None:
    for number, source in enumerate(sources, start=1):
        meant = [each for each in looked if source.endpoint in {None, each.name}]
        if any(each.route and _serves(each.route, source) for each in meant):
            continue
        errors = [each.error for each in meant if each.error and not each.route]
        if not errors:
            raise InputError(
                f"[[source]] number {number}: no endpoint serves the model {source.model!r}.",
                remedy="Name a model that one of the endpoints lists, or add its [[endpoint]].",
            )
        if not has_work:
            raise _first_to_mend(errors)


def _serves(route: Route, source: SourceSettings) -> bool:
    return source.model is None or route.client.serves(source.model)


def _first_to_mend(errors: Sequence[BackendError]) -> BackendError:
    return min(errors, key=lambda each: isinstance(each, MAY_PASS))
