"""Which server an endpoint is, from what it tells besides its models."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx
from msgspec import Struct

from dpo_tui.backend.address import Address
from dpo_tui.backend.discovery import server_of
from dpo_tui.backend.models import Models
from dpo_tui.backend.stream import read_beginning

_SECONDS = 2.0


class Identity(Struct, frozen=True):
    """What it seems to be."""

    server: str
    """Name and version; empty if nothing tells."""
    slots: int | None
    context: int | None
    """Tokens of one slot, prompt and response together."""


async def identify(address: Address, models: Models, guess: str) -> Identity:
    """Look at the routes by which servers differ; `guess` is the usual server of this port.

    `/props` is llama.cpp's (tools/server/README.md), `/api/version` Ollama's (docs/api.md),
    `/version` that of vLLM and of others.
    """
    root = address.base_url.removesuffix("/v1")
    async with address.open(httpx.Timeout(_SECONDS), max_connections=3) as client:
        props, ollama, version = await asyncio.gather(
            *(_told(client, root + path) for path in ("/props", "/api/version", "/version"))
        )
    if "total_slots" in props or "build_info" in props:
        name, number = "llama.cpp", props.get("build_info")
    elif "version" in ollama:
        name, number = "Ollama", ollama["version"]
    else:
        name = server_of(models, guess)
        number = version.get("version") if name else None
    defaults = props.get("default_generation_settings")
    return Identity(
        f"{name} {number}" if isinstance(number, str) else name,
        _count(props.get("total_slots")),
        _count(defaults.get("n_ctx")) if isinstance(defaults, Mapping) else None,
    )


async def _told(client: httpx.AsyncClient, url: str) -> Mapping[str, Any]:
    """The JSON object that stands there; an empty one if there is none."""
    try:
        async with asyncio.timeout(_SECONDS), client.stream("GET", url) as response:
            body = await read_beginning(response) if response.status_code == 200 else b""
        payload = json.loads(body)
    except (TimeoutError, httpx.RequestError, ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, Mapping) else {}


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None
