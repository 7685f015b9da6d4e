"""A value that never shows itself: not in a traceback, a log line or a repr."""

from __future__ import annotations


class Secret:
    """An API key. Only `reveal` gives it, and only the request header asks."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The key itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")
