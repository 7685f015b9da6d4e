"""When the bell rings: pure, so that it needs no ear."""

from __future__ import annotations

from collections.abc import Sequence

from dpo_tui.service.endpoint import EndpointStatus, Health
from dpo_tui.service.sheet import Sheet

_DOWN = frozenset({Health.DOWN, Health.STOPPED})


class Alarm:
    """Notices what somebody who looks away waits for, or should know."""

    def __init__(self) -> None:
        self._awaited: tuple[int, int] | None = None
        """Group and set of the sheet that wasn't complete when it was looked at last."""
        self._down: frozenset[str] | None = None
        """The endpoints that were down then; None before the first look."""

    def is_due(self, sheet: Sheet | None, endpoints: Sequence[EndpointStatus]) -> bool:
        """Whether it is time to ring: the awaited group is complete, or an endpoint went down.

        To be asked at every change. What is the case from the start is no news.
        """
        shown = (sheet.group_id, sheet.set_no) if sheet else None
        is_complete = not any(card.phase for card in sheet.cards) if sheet else True
        has_come = is_complete and shown is not None and shown == self._awaited
        self._awaited = None if is_complete else shown
        down = frozenset(each.url for each in endpoints if each.health in _DOWN)
        went_down = self._down is not None and not down <= self._down
        self._down = down
        return has_come or went_down
