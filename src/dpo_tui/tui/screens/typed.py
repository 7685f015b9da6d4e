"""What screens have in common on which something is typed that is kept."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Typed(Protocol):
    """Nothing typed on it is lost, however it is left."""

    async def keep_now(self) -> bool:
        """Put on disk what is typed; False if that can't be done, which it has told then."""
        ...
