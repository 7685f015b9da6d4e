"""What a server says of a failure, out of every shape in which servers say it.

OpenAI, llama.cpp and vLLM: `{"error": {"message", "type", "code", "param"}}`; vLLM's 401, TGI:
`{"error": "text"}`; TensorRT-LLM: the same fields without a wrapper; FastAPI: `{"detail": ...}`;
Gemini: a list around the object; gateways: HTML or plain text.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from html import unescape
from math import isfinite

from msgspec import Struct
from msgspec.structs import replace

_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_STATUS_OF_KIND = (
    ("overloaded", 503),  # TGI
    ("rate_limit", 429),
    ("authentication", 401),
    ("invalid_request", 400),  # OpenAI, Ollama
    ("badrequest", 400),  # vLLM
    ("validation", 422),  # TGI
)
"""What an error that names no status is about, by a part of its `type`."""
_TAG = re.compile(r"<(?:!doctype html|html|head|body)\b", re.IGNORECASE)


class Said(Struct, frozen=True):
    """A failure in the server's words."""

    status: int
    """The HTTP status, or for an error inside a stream the one that it stands for."""
    message: str
    kind: str = ""
    """The `type` and `code` fields, lower case, separated by a blank."""
    param: str = ""
    is_html: bool = False
    location: str = ""
    """Where a redirect points."""
    retry_after: float | None = None
    """Seconds to wait, if named."""

    def mentions(self, field: str) -> bool:
        """Whether it is about this field of the request."""
        named = rf"(?<![A-Za-z0-9_]){re.escape(field)}(?![A-Za-z0-9_])"
        return self.param == field or re.search(named, self.message) is not None


def read_response(status: int, headers: Mapping[str, str], body: bytes) -> Said:
    """What a response that is no success says. `headers` ignore case, as httpx's do."""
    text = body.decode("utf-8", errors="replace")
    said = _read_json(text, status) or _read_text(text, status)
    return replace(
        said, location=headers.get("location", ""), retry_after=_retry_after(headers, time.time())
    )


def error_in(payload: Mapping[str, object]) -> Said | None:
    """The error that an event of a stream, or a body with status 200, holds; None if none."""
    error = payload.get("error")
    if not error and payload.get("object") != "error":
        return None
    code = error.get("code") if isinstance(error, Mapping) else payload.get("code")
    digits = str(code)
    said = _read_payload(payload, 500)
    if re.fullmatch("[45][0-9][0-9]", digits) and "overloaded" not in said.kind:
        return replace(said, status=int(digits))
    named = (status for kind, status in _STATUS_OF_KIND if kind in said.kind)
    return replace(said, status=next(named, 500))


def describe_body(body: bytes) -> str:
    """A body that should have been something else, for a message."""
    return _read_text(body.decode("utf-8", errors="replace"), 200).message


def _read_json(text: str, status: int) -> Said | None:
    try:
        payload = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(payload, list) and payload:
        payload = payload[0]
    if isinstance(payload, str):
        return Said(status, payload)
    return _read_payload(payload, status) if isinstance(payload, Mapping) else None


def _read_payload(payload: Mapping[str, object], status: int) -> Said:
    error = payload.get("error")
    fields = error if isinstance(error, Mapping) else payload
    if isinstance(error, str):
        message = error
    else:
        message = _text_of(fields.get("message") or fields.get("detail"))
    kinds = (fields.get("type"), fields.get("code"), payload.get("error_type"))
    return Said(
        status,
        message or json.dumps(fields, default=str),
        kind=" ".join(str(kind).lower() for kind in kinds if kind is not None),
        param=str(fields.get("param") or ""),
    )


def _text_of(detail: object) -> str:
    """FastAPI's `detail` is text or a list of `{"loc": ["body", field], "msg": ...}`."""
    if isinstance(detail, list):
        return "; ".join(_text_of(each) for each in detail)
    if isinstance(detail, Mapping) and "msg" in detail:
        place = detail.get("loc")
        parts = [str(part) for part in place] if isinstance(place, list) else []
        return f"{'.'.join(parts)}: {detail['msg']}" if parts else str(detail["msg"])
    return detail if isinstance(detail, str) else json.dumps(detail) if detail else ""


def _read_text(text: str, status: int) -> Said:
    if _TAG.search(text[:2000]):
        title = _TITLE.search(text)
        name = " ".join(unescape(title[1]).split()) if title else ""
        return Said(
            status, f"an HTML page titled {name!r}" if name else "an HTML page", is_html=True
        )
    return Said(status, text.strip() or "nothing")


def _retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds; `retry-after-ms` is OpenAI's, `Retry-After` (RFC 9110, 10.2.3) seconds or a date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "")
        try:
            seconds = float(value) * unit
        except ValueError:
            continue
        if isfinite(seconds):
            return max(0.0, seconds)
    try:
        return max(0.0, parsedate_to_datetime(headers.get("retry-after", "")).timestamp() - now)
    except (ValueError, OverflowError):
        return None
