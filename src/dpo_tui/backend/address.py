"""Where requests go and with which key: the base URL, and the HTTP client that suits it."""

from __future__ import annotations

import os
import re
import ssl
from ipaddress import ip_address

import httpx
from msgspec import Struct

from dpo_tui.errors import AuthError, InputError, SetupError
from dpo_tui.secret import Secret

_EXAMPLE = "A base URL looks like http://127.0.0.1:8000/v1."
_CHAT_PATH = "/chat/completions"
# uvicorn and llama.cpp close an idle connection after 5 s: one that is older may just be dying.
_KEEP_ALIVE_SECONDS = 4.0
_PROXY_NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_TRUST_NAMES = ("SSL_CERT_FILE", "SSL_CERT_DIR")  # the first that is set counts
# "none", "dummy" or "x" are what people give servers that want no key. They are no secrets, and
# taking them out of a message would make it unreadable.
_SHORTEST_KEY = 6


def parse_base_url(text: str) -> str:
    """A base URL as a person may write it, normalised: with a scheme, without a trailing slash.

    Without a scheme it is http; the path of the chat route itself is taken off.

    Raises:
        InputError: it is no base URL, or holds what must not be shown or stored (a password). The
            message doesn't repeat it: people paste keys into the wrong place.
    """
    text = text.strip()
    try:
        url = httpx.URL(text if "://" in text else f"http://{text}")
        host = url.host
    except (httpx.InvalidURL, UnicodeError):
        url, host = httpx.URL(""), ""
    if "@" in text:
        raise InputError(
            "The base URL holds a user name or password.",
            remedy="Put the key into an environment variable and name that with --api-key-env.",
        )
    if url.scheme not in {"http", "https"} or not re.fullmatch(r"[^\s%/\\]+", host):
        raise InputError("What is given as base URL is none.", remedy=_EXAMPLE)
    if not 0 < (url.port or 80) < 65536:
        raise InputError("The base URL has a port beyond 65535.", remedy=_EXAMPLE)
    if url.query or url.fragment:
        raise InputError("The base URL goes on with a query or a fragment.", remedy=_EXAMPLE)
    return str(url).rstrip("/").removesuffix(_CHAT_PATH).rstrip("/")


class Address(Struct, frozen=True):
    """A server's base URL, normalised, and the key for it."""

    base_url: str
    key: Secret | None = None
    key_name: str = "OPENAI_API_KEY"
    """The environment variable that the key is from, for messages."""

    @property
    def chat_url(self) -> str:
        """The route that completes chats."""
        return self.base_url + _CHAT_PATH

    @property
    def models_url(self) -> str:
        """The route that lists models."""
        return f"{self.base_url}/models"

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine, where no proxy has a place."""
        host = httpx.URL(self.base_url).host
        try:
            ip = ip_address(host)
        except ValueError:
            return host == "localhost" or host.endswith(".localhost")
        return ip.is_loopback or ip.is_unspecified

    @property
    def proxy_name(self) -> str:
        """The environment variable whose proxy requests may take; empty if none is set."""
        scheme = self.base_url.partition(":")[0].upper()
        names = () if self.is_local else (f"{scheme}_PROXY", "ALL_PROXY")
        return next(filter(_is_set, names), "")

    def quote(self, text: str, longest: int = 400) -> str:
        """A server's words for a message: on one line, not too long, and without the key."""
        key = self.key.reveal().strip() if self.key else ""
        if len(key) >= _SHORTEST_KEY:
            text = text.replace(key, "***")
        line = " ".join(text[: 20 * longest].split())
        return line if len(line) <= longest else f"{line[: longest - 1]}…"

    def open(self, timeout: httpx.Timeout, max_connections: int) -> httpx.AsyncClient:
        """An HTTP client for this server.

        Raises:
            AuthError: the key can't be sent in a header.
            SetupError: the proxy or the certificates that the environment names can't be used.
        """
        try:
            return httpx.AsyncClient(
                headers=self._headers(),
                timeout=timeout,
                limits=httpx.Limits(
                    max_connections=max_connections,
                    max_keepalive_connections=max_connections,
                    keepalive_expiry=_KEEP_ALIVE_SECONDS,
                ),
                trust_env=not self.is_local,
                verify=self._trust(),
            )
        except OSError as error:
            raise self._no_certificates(error) from error
        except httpx.InvalidURL:
            # Its text can hold a part of the password.
            raise self._no_proxy("what is set for it is no address") from None
        except (ImportError, ValueError) as error:
            raise self._no_proxy(str(error)) from error

    def _no_proxy(self, words: str) -> SetupError:
        names = [each for each in _PROXY_NAMES if _is_set(each)]
        return SetupError(
            f"The proxy for {self.base_url} can't be used: {words}",
            remedy=f"Mend {' or '.join(names or _PROXY_NAMES)}. A proxy is http://HOST:PORT, with"
            " %2F for / and %40 for @ in a password; NO_PROXY lists hosts that need none.",
        )

    def _no_certificates(self, error: OSError) -> SetupError:
        names = [each for each in _TRUST_NAMES if os.environ.get(each)]
        whose = f"that {names[0]} names" if names else "of the Python package certifi"
        words = self.quote(error.strerror or str(error))
        return SetupError(
            f"The certificates {whose} can't be loaded: {words}",
            remedy="SSL_CERT_FILE names a file of certificates in PEM form, SSL_CERT_DIR a folder"
            " of them; without either the usual ones are trusted.",
        )

    def _headers(self) -> dict[str, str]:
        # Compression makes gateways hold tokens back until a block is full.
        identity = {"Accept-Encoding": "identity"}
        if not self.key or not (key := self.key.reveal().strip()):
            return identity
        if not re.fullmatch(r"[!-~]+", key):
            raise AuthError(
                f"The key in {self.key_name} holds characters that can't be sent.",
                remedy=f"Set {self.key_name} again: printable ASCII without blanks.",
            )
        return identity | {"Authorization": f"Bearer {key}"}

    def _trust(self) -> ssl.SSLContext:
        """What SSL_CERT_FILE or SSL_CERT_DIR names, for this machine too, else what certifi has.

        Loading the certificates takes longer than a first token; plain local HTTP needs none.
        """
        if self.is_local and self.base_url.startswith("http:"):
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody
        return httpx.create_ssl_context()


def _is_set(name: str) -> bool:
    return bool({name, name.lower()} & os.environ.keys())
