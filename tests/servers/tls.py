"""TLS for `ChatServer`."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme


class Authority:
    """Signs certificates that nobody trusts unless they are told to."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self.pem = folder / "authority.pem"
        self._authority.cert_pem.write_to_path(str(self.pem))

    def serve(self, host: str) -> ssl.SSLContext:
        """What serves this host."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._authority.issue_cert(host).configure_cert(context)
        return context
