"""From what went wrong with a request to the error that says so: kind, message, remedy."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterator

import httpx

from dpo_tui.backend.address import Address
from dpo_tui.backend.said import Said
from dpo_tui.errors import (
    AuthError,
    BackendError,
    BusyError,
    ConnectError,
    ModelError,
    PromptError,
    ProtocolError,
    ServerError,
    SetupError,
    StallError,
)

_OVERFLOW = re.compile(
    r"exceed_context|context_length|contextwindow"
    r"|(?:maximum|available) context|context (?:size|length|window)",
    re.IGNORECASE,
)
_FILTERED = re.compile(
    r"content[ _-]?(?:filter|policy|management)|moderation|flagged", re.IGNORECASE
)
_TEMPLATE = re.compile(r"Jinja Exception: (.+)|^(.+?) at row \d+, column \d+:", re.DOTALL)
"""A chat template's own words, in what newer and older versions of llama.cpp make of them."""
_NO_MODEL = re.compile(
    r"\bmodels?\b.*(?:not found|not exist|unknown|not available|not supported|no such|not loaded)"
    r"|(?:unknown|invalid|no such|not find|not found).{0,20}\bmodel\b",
    re.IGNORECASE | re.DOTALL,
)
_HUNG_UP = re.compile("disconnected|closed connection")  # httpcore's and h11's words
_NO_ACCESS = frozenset({401, 402, 403})
_TRY_LATER = frozenset({408, 409, 429, 503, 529})  # 529: Anthropic's "overloaded"
_REFUSAL = frozenset({400, 422, 451})
_PROXY_REFUSES = re.compile(r"4\d\d\b")
_CHECK_THE_PROXY = "Look at HTTP_PROXY, HTTPS_PROXY and ALL_PROXY; NO_PROXY excepts a host."
_IS_THE_URL_RIGHT = "Is the base URL right? It usually ends in /v1."


def failure(said: Said, address: Address, sent: frozenset[str] = frozenset()) -> BackendError:
    """The error for what a server said. `sent` are the request's field names, for the remedy."""
    refusal = _TEMPLATE.search(said.message)
    words = address.quote(refusal[1] or refusal[2] if refusal else said.message)
    message = f"{address.base_url} answers {said.status}: {words}"
    if 300 <= said.status < 400:
        return _redirect_error(said, address)
    if _is_moderated(said) or refusal:  # llama.cpp says 500 then
        return PromptError(message, remedy=_prompt_remedy(said, sent))
    if said.status == 407:
        return SetupError(message, remedy=_CHECK_THE_PROXY)
    if said.status in _NO_ACCESS or "insufficient_quota" in said.kind:
        return _auth_error(message, said, address)
    if said.status in _TRY_LATER:
        remedy = "Wait for it, or send less at once."
        return BusyError(message, remedy=remedy, retry_after=said.retry_after)
    return _request_error(message, said, sent)


def _request_error(message: str, said: Said, sent: frozenset[str]) -> BackendError:
    """What remains: the URL, the model or the prompt is wrong, or the server is broken."""
    refuses = said.status in _REFUSAL
    if (refuses or said.status == 404) and _names_a_missing_model(said):
        return ModelError(message, remedy="Name one of the server's models with --model.")
    if (refuses and not said.is_html) or said.status == 413 or _overflows(said):
        return PromptError(message, remedy=_prompt_remedy(said, sent))
    if said.status < 500:
        return ProtocolError(message, remedy=_IS_THE_URL_RIGHT)
    return ServerError(message, remedy="The server's own log says more.")


def _redirect_error(said: Said, address: Address) -> ProtocolError:
    target = address.quote(said.location) or "nowhere"
    return ProtocolError(
        f"{address.base_url} redirects ({said.status}) to {target}",
        remedy="Redirects are not followed: if that is the server, name it as the base URL.",
    )


def _auth_error(message: str, said: Said, address: Address) -> AuthError:
    if said.status == 402 or "insufficient_quota" in said.kind:
        return AuthError(message, remedy=f"The account of the key in {address.key_name} is empty.")
    if address.key:
        return AuthError(message, remedy=f"The key in {address.key_name} is not accepted there.")
    return AuthError(message, remedy=f"Put the server's API key into {address.key_name}.")


def _names_a_missing_model(said: Said) -> bool:
    if "model_not_found" in said.kind or (said.status == 404 and said.param == "model"):
        return True
    return _NO_MODEL.search(said.message) is not None and said.param in {"", "model"}


def _overflows(said: Said) -> bool:
    return _OVERFLOW.search(f"{said.kind} {said.message}") is not None


def _is_filtered(said: Said) -> bool:
    return _FILTERED.search(f"{said.kind} {said.message}") is not None


def _is_moderated(said: Said) -> bool:
    """Whether a 403 is about this prompt (OpenRouter), not about the key or the way there."""
    return said.status == 403 and not said.is_html and _is_filtered(said)


def _prompt_remedy(said: Said, sent: frozenset[str]) -> str:
    if said.status == 413 or _overflows(said):
        return "Shorten the prompt, lower max_tokens, or give the server a longer context."
    if _is_filtered(said):
        return "The server's content filter refuses this prompt: skip it, or change it."
    if _TEMPLATE.search(said.message):
        return (
            "The model's chat template refuses these messages: it may take no system message, or "
            "only turns that alternate."
        )
    named = sorted(field for field in sent if said.mentions(field))
    if named:
        return f"Change or take out {', '.join(named)} in the sampling settings."
    return "Change the prompt or the sampling settings."


def broken(error: httpx.RequestError, address: Address) -> BackendError:
    """The error for a request that got no answer: nothing there, a hang-up, or no HTTP."""
    where = address.base_url
    words = address.quote(_deepest_words(error))
    match error:
        case httpx.ProxyError():
            kind = SetupError if _PROXY_REFUSES.match(words) else ConnectError
            return kind(f"The proxy for {where} fails: {words}", remedy=_CHECK_THE_PROXY)
        case httpx.ConnectError() | httpx.ConnectTimeout():
            return _no_connection(error, words, address)
        case httpx.RemoteProtocolError() if not _HUNG_UP.search(words):
            return ProtocolError(
                f"{where} doesn't speak HTTP: {words}", remedy="Is the port right, and the scheme?"
            )
        case httpx.WriteTimeout():
            return StallError(f"{where} stopped reading the request.")
        case httpx.DecodingError() | httpx.LocalProtocolError() | httpx.UnsupportedProtocol():
            return ProtocolError(f"{where}: {words}", remedy=_IS_THE_URL_RIGHT)
        case _:
            return ConnectError(
                f"{where} hung up before it answered: {words}",
                remedy="Is the server still running? Its own log says more.",
            )


def is_refused(error: BackendError) -> bool:
    """Whether it says that nobody listens there, and not only that no connection came about."""
    return any(isinstance(cause, ConnectionRefusedError) for cause in _causes(error))


def _no_connection(error: httpx.RequestError, words: str, address: Address) -> BackendError:
    where = address.base_url
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return SetupError(
                f"The certificate of {where} is not trusted: {address.quote(cause.verify_message)}",
                remedy="Let SSL_CERT_FILE name a PEM file with it or with who signed it, or use the"
                " host that it was made for.",
            )
    if "ssl" in words.lower():
        remedy = "If the server has no TLS, write http:// instead of https://."
    elif address.proxy_name:
        remedy = f"Is the server running? Are host and port, and {address.proxy_name}, right?"
    else:
        remedy = "Is the server running, and are host and port right?"
    return ConnectError(f"Nothing answers at {where}: {words}", remedy=remedy)


def _deepest_words(error: BaseException) -> str:
    """The words of the cause that the operating system gave, which say most."""
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.strerror:
            # asyncio puts "Connect call failed" in the place of the system's words.
            if cause.errno and "Connect call failed" in cause.strerror:
                return os.strerror(cause.errno)
            return cause.strerror
    return str(error) or "it took too long"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The causes of an exception, the deepest first."""
    inner = error.__cause__ or error.__context__
    if inner is not None:
        yield from _causes(inner)
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _causes(each)
    yield error
