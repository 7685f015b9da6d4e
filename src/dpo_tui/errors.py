"""Every error that a person can meet, in one tree.

    DpoTuiError                     exit code 1
    ├── InputError                  exit code 2: wrong arguments, files or settings
    ├── StoreError                  the session file can't be used
    ├── DatasetError                the dataset file can't be written
    ├── HelperError                 a process of our own that did a part of the work is gone
    └── BackendError                a model server said no, or nothing
        ├── ConnectError            refused, unreachable, or it hung up before it answered
        ├── StallError              it went silent for too long
        ├── BusyError               429, or 503 while loading or full: wait and try again
        ├── ServerError             5xx, or an error in the middle of a stream
        ├── AuthError               401 or 403: the key is missing or wrong
        ├── ModelError              the server doesn't have that model
        ├── SetupError              the proxy is wrong, or the server's certificate isn't trusted
        ├── PromptError             this prompt was refused: too long, filtered, bad
        └── ProtocolError           what answers is no OpenAI-compatible chat server

A message says what happened and where; a remedy says what to do next. Both can hold foreign text (a
server's words): whoever prints them goes through `display`.
"""

from __future__ import annotations

import errno

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""How the system says that a disk is full, or as full as it may get for this user."""


class DpoTuiError(Exception):
    """Something that is told to the person in one message, never as a traceback."""

    exit_code = 1

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        """What happened, and where."""
        self.remedy = remedy
        """What to do next; empty when the message says it already."""

    def __str__(self) -> str:
        return f"{self.message}\n{self.remedy}" if self.remedy else self.message


class InputError(DpoTuiError):
    """What the person gave can't be used: arguments, prompts file, settings."""

    exit_code = 2


class StoreError(DpoTuiError):
    """The session file can't be opened, read or written."""


class DatasetError(DpoTuiError):
    """The dataset file can't be opened or written; the session still holds every decision."""


class HelperError(DpoTuiError):
    """A process of our own that has a part of the work didn't start, or ended too early."""


class BackendError(DpoTuiError):
    """A request to a model server failed."""


class ConnectError(BackendError):
    """Nothing listens there, or the connection broke before an answer came."""


class StallError(BackendError):
    """The server accepted the request and then went silent for too long."""


class BusyError(BackendError):
    """The server asks to wait: rate limit, full queue, or the model is still loading."""

    def __init__(self, message: str, *, remedy: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after = retry_after
        """Seconds to wait, if the server named them."""


class ServerError(BackendError):
    """The server failed while it worked on the request."""


class AuthError(BackendError):
    """The server wants a key, or another one."""


class ModelError(BackendError):
    """The server doesn't have the model that was asked for."""


class SetupError(BackendError):
    """The environment here is in the way: the proxy, or the certificates that are trusted."""


class PromptError(BackendError):
    """The server refuses this very request; sending it again is of no use."""


class ProtocolError(BackendError):
    """What came back is not an OpenAI-compatible chat completion."""


MAY_PASS = (ConnectError, BusyError, StallError, ServerError)
"""What is in the way of an endpoint and may pass without anybody's help: it is still starting."""
