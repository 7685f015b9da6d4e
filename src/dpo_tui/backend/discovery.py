"""Finding the model server: the one that was named, or what runs on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from dpo_tui.backend.address import Address, parse_base_url
from dpo_tui.backend.models import NO_MODELS, Models, ensure_model, list_models, names
from dpo_tui.errors import (
    AuthError,
    BackendError,
    BusyError,
    ConnectError,
    InputError,
    ProtocolError,
    ServerError,
    StallError,
)
from dpo_tui.secret import Secret

_DISCOVERY_SECONDS = 1.0
_SERVER_BY_OWNER = {
    "vllm": "vLLM",
    "sglang": "SGLang",
    "llamacpp": "llama.cpp",
    "organization_owner": "LM Studio",
    "library": "Ollama",
}
_NOT_FOR_CHAT = "text-embedding-"
"""LM Studio lists the embedding model that it comes with beside those that chat."""


class Candidate(Struct, frozen=True):
    """Where a server would be, if it runs."""

    base_url: str
    server: str
    """Which server has this port by default."""


CANDIDATES = (
    Candidate("http://127.0.0.1:8000/v1", "vLLM"),
    Candidate("http://127.0.0.1:30000/v1", "SGLang"),
    Candidate("http://127.0.0.1:8080/v1", "llama.cpp"),
    Candidate("http://127.0.0.1:1234/v1", "LM Studio"),
    Candidate("http://127.0.0.1:11434/v1", "Ollama"),
    Candidate("http://127.0.0.1:3000/v1", "TGI"),
)


class Found(Struct, frozen=True):
    """A server that answers."""

    base_url: str
    server: str
    """What it seems to be."""
    listing: Models = NO_MODELS
    needs_key: bool = False
    """It doesn't say what it has without a key."""

    @property
    def models(self) -> tuple[str, ...]:
        """What it can be asked for."""
        return self.listing.ids


class ResolvedEndpoint(Struct, frozen=True):
    """The endpoint to ask."""

    base_url: str
    model: str
    server: str = ""
    note: str = ""
    """What the person should be told of how it was chosen; empty if it is as they said."""
    models: Models = NO_MODELS
    """What it lists, as far as is known."""
    trouble: BackendError | None = None
    """Why it can't be asked now, though it is known whole."""
    is_named: bool = True
    """Whether the person named the URL. A key is for that server; it is not for one that merely
    happened to be found, which on a shared machine can be anybody's."""


async def discover(candidates: Sequence[Candidate] = CANDIDATES) -> list[Found]:
    """The servers of this machine that list models in OpenAI's way, in the order of `candidates`.

    No key is sent: whoever listens there wasn't named by the person.
    """
    found = await asyncio.gather(*map(_look, candidates))
    return [each for each in found if each]


async def _look(candidate: Candidate) -> Found | None:
    try:
        models = await list_models(Address(candidate.base_url), _DISCOVERY_SECONDS)
    except AuthError:
        return Found(candidate.base_url, candidate.server, needs_key=True)
    except BackendError:
        return None
    return Found(candidate.base_url, server_of(models, candidate.server), models)


def server_of(models: Models, default: str = "") -> str:
    """Which server lists its models in this way."""
    return _SERVER_BY_OWNER.get(models.owner, default)


async def resolve_endpoint(
    base_url: str | None,
    model: str | None,
    key: Secret | None,
    key_name: str,
    candidates: Sequence[Candidate] = CANDIDATES,
) -> ResolvedEndpoint:
    """The endpoint to ask, from what the person has named of it and what is there.

    An endpoint that is named whole needs not be up yet: generation begins when it is.

    Raises:
        InputError: it can't be told which endpoint or model is meant.
        BackendError: nothing that could be used answers.
    """
    if base_url is None:
        return choose(await discover(candidates), model, candidates)
    address = Address(parse_base_url(base_url), key, key_name)
    try:
        address, models, note = await find_route(address)
    except (ConnectError, StallError, BusyError, ServerError) as error:
        if model is None:
            raise
        address, note = _assume_route(address)
        return ResolvedEndpoint(address.base_url, model, note=note, trouble=error)
    server = server_of(models)
    if model is None:
        model = choose_model(models.ids, address.base_url)
    else:
        ensure_model(model, models, address)
    return ResolvedEndpoint(address.base_url, model, server, note, models)


async def find_route(address: Address) -> tuple[Address, Models, str]:
    """The models, from the URL as it was given or else from the `/v1` below it.

    The text is what the person should be told of that.

    Raises:
        BackendError: neither tells.
    """
    try:
        return address, await list_models(address), ""
    except ProtocolError:
        if address.base_url.endswith("/v1"):
            raise
        below = _v1_of(address)
        try:
            return below, await list_models(below), f"Using {below.base_url}."
        except ProtocolError:
            pass
        raise


def _assume_route(address: Address) -> tuple[Address, str]:
    """Without a path, and with nobody there to ask, the usual one is the better guess."""
    if address.base_url.count("/") > 2:
        return address, ""
    below = _v1_of(address)
    return below, f"Using {below.base_url}."


def _v1_of(address: Address) -> Address:
    return replace(address, base_url=f"{address.base_url}/v1")


def choose(
    found: Sequence[Found], model: str | None, candidates: Sequence[Candidate] = CANDIDATES
) -> ResolvedEndpoint:
    """The endpoint, from what was found on this machine and the model that was named, if any.

    Raises:
        InputError: it can't be told which endpoint or model is meant.
        ConnectError: nothing was found.
    """
    if not found:
        raise nothing_found(candidates)
    usable = [
        each for each in found if model is None or (each.listing.have(model) and not each.needs_key)
    ]
    if len(found) == 1 and found[0].needs_key:
        raise InputError(
            f"Found {_line(found[0])}.",
            remedy=f"If it is yours: --base-url {found[0].base_url} sends it the key.",
        )
    if len(usable) != 1:
        several = len(found) > 1
        what = f"{len(found)} model servers" if several else "a model server"
        lacking = f" without the model {model!r}" if model is not None and not usable else ""
        lines = "\n".join(f"  {_line(each)}" for each in found)
        raise InputError(
            f"Found {what}{lacking}:\n{lines}",
            remedy=f"Name the one to use, as in: --base-url {found[0].base_url}"
            + (f" --model {found[0].models[0]}" if found[0].models else ""),
        )
    (one,) = usable
    return ResolvedEndpoint(
        one.base_url,
        model if model is not None else choose_model(one.models, one.base_url),
        one.server,
        note=f"Found {one.server or 'a server'} at {one.base_url}.",
        models=one.listing,
        is_named=False,
    )


def nothing_found(candidates: Sequence[Candidate] = CANDIDATES) -> ConnectError:
    """The error when no server runs on this machine."""
    looked = ", ".join(f"{each.server} {_port(each.base_url)}" for each in candidates)
    return ConnectError(
        f"No model server answers on this machine. Looked at the usual ports: {looked}.",
        remedy="Start one, name one with --base-url http://HOST:PORT/v1, or use annotate --local.",
    )


def choose_model(ids: Sequence[str], base_url: str) -> str:
    """The only model that a server has.

    Raises:
        InputError: it has several, or none.
    """
    for_chat = [each for each in ids if not each.startswith(_NOT_FOR_CHAT)]
    if not for_chat:
        raise InputError(
            f"{base_url} lists no models.",
            remedy="Load one there, or name the one to ask for with --model.",
        )
    if len(for_chat) > 1:
        raise InputError(
            f"{base_url} has several models: {names(for_chat)}.",
            remedy=f"Name the one to ask, as in: --model {for_chat[0]}",
        )
    return for_chat[0]


def _line(found: Found) -> str:
    what = "wants a key" if found.needs_key else names(found.models) or "no models"
    return f"{found.base_url} ({found.server}): {what}"


def _port(base_url: str) -> str:
    return base_url.rpartition(":")[2].removesuffix("/v1")
