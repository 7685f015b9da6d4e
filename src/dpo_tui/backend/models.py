"""Which models a server has."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

import httpx
from msgspec import Struct, field

from dpo_tui.backend.address import Address
from dpo_tui.backend.failures import broken, failure
from dpo_tui.backend.said import describe_body, error_in, read_response
from dpo_tui.backend.stream import read_beginning
from dpo_tui.errors import ModelError, ProtocolError, StallError

_ANY_NAME = frozenset({"llamacpp"})
"""Owners whose servers serve their model under whatever name it is asked for."""
PATIENCE = 5.0
"""Seconds in which a server says what it has, however busy it is."""
_SHOWN = 12


class Models(Struct, frozen=True):
    """What `/models` lists."""

    ids: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    """Other names that llama.cpp gives them."""
    owner: str = ""
    """`owned_by` of the first, which tells what server it is."""
    contexts: Mapping[str, int] = field(default_factory=dict)
    """Tokens that prompt and response can have together, by model, where the list says."""

    def have(self, model: str) -> bool:
        """Whether the server would serve this name, as far as the list tells."""
        if not self.ids or self.owner in _ANY_NAME:
            return True
        names = {
            model,
            f"{model}:latest",  # Ollama
            model.rpartition(":")[0],  # OpenRouter's variants, `name:online`
        }
        return any(
            fnmatchcase(name, known) if known.endswith("*") else name == known  # LiteLLM
            for name in names
            if name
            for known in (*self.ids, *self.aliases)
        )


NO_MODELS = Models()


async def list_models(address: Address, seconds: float | None = None) -> Models:
    """Ask the server which models it has.

    A server that lists no models but has a chat route gives an empty list.

    Raises:
        BackendError: it doesn't say, and why.
    """
    seconds = seconds or PATIENCE
    async with address.open(httpx.Timeout(seconds), max_connections=1) as client:
        try:
            async with asyncio.timeout(seconds):
                status, headers, body = await _get(client, address.models_url)
                if status == 404 and (await _get(client, address.chat_url))[0] == 405:
                    return NO_MODELS
        except (TimeoutError, httpx.ReadTimeout):
            raise StallError(
                f"{address.base_url} did not say within {seconds:g} s which models it has.",
                remedy="Is the server overloaded, or is something else at that port?",
            ) from None
        except httpx.RequestError as error:
            raise broken(error, address) from error
    if status != 200:
        raise failure(read_response(status, headers, body), address)
    return _parse(body, address)


def ensure_model(model: str, models: Models, address: Address) -> None:
    """Check that the server has the model.

    Raises:
        ModelError: it lists models, and this is none of them.
    """
    if not models.have(model):
        raise ModelError(
            f"{address.base_url} doesn't have the model {model!r}. It has:"
            f" {address.quote(names(models.ids), 1000)}.",
            remedy="Name one of them with --model.",
        )


def names(ids: Iterable[str]) -> str:
    """Names of models for a message, not too many."""
    all_of_them = list(ids)
    more = len(all_of_them) - _SHOWN
    return ", ".join(all_of_them[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


async def _get(client: httpx.AsyncClient, url: str) -> tuple[int, httpx.Headers, bytes]:
    async with client.stream("GET", url) as response:
        return response.status_code, response.headers, await read_beginning(response)


def _parse(body: bytes, address: Address) -> Models:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        payload = None
    if isinstance(payload, Mapping):
        if said := error_in(payload):
            raise failure(said, address)
        if isinstance(entries := payload.get("data") or [], list) and "data" in payload:
            return _read(each for each in entries if isinstance(each, Mapping))
    raise ProtocolError(
        f"{address.base_url} is no OpenAI-compatible server: asked for its models, it answers"
        f" {address.quote(describe_body(body), 200)}",
        remedy="Is the base URL right? It usually ends in /v1.",
    )


def _read(entries: Iterable[Mapping[str, object]]) -> Models:
    ids: list[str] = []
    aliases: list[str] = []
    owner = ""
    contexts: dict[str, int] = {}
    for entry in entries:
        if isinstance(model := entry.get("id"), str):
            ids.append(model)
            owner = owner or str(entry.get("owned_by") or "")
            if isinstance(others := entry.get("aliases"), list):
                aliases.extend(map(str, others))
            if context := _context(entry):
                contexts[model] = context
    return Models(tuple(ids), tuple(aliases), owner, contexts)


def _context(entry: Mapping[str, object]) -> int | None:
    """The context length as vLLM and SGLang, OpenRouter, or llama.cpp tell it."""
    meta = entry.get("meta")
    told = meta.get("n_ctx") if isinstance(meta, Mapping) else None
    for value in (entry.get("max_model_len"), entry.get("context_length"), told):
        if isinstance(value, int) and value > 0:
            return value
    return None
