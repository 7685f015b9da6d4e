"""What a `generate` run says of its endpoints: pure, so that a test owns the time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import ceil

from dpo_tui.service.endpoint import EndpointStatus, Health
from dpo_tui.words import duration

_NOTICED_SECONDS = 3.0
"""A wait that somebody notices; a shorter one passes before its line is read."""
_QUIET_SECONDS = 60.0
"""Between two lines on an endpoint in the same health: some servers set a limit every few seconds,
all night."""


class Troubles:
    """Notices what is wrong and when it is over: a line for each change, and no flood."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[Health, str]] = {}
        """By URL, the trouble that was told and isn't over."""
        self._told_at: dict[tuple[str, Health], float] = {}

    def news(self, endpoints: Iterable[EndpointStatus], now: float) -> Iterator[str]:
        """What is to be told now, to be asked at every change; `now` in seconds."""
        for endpoint in endpoints:
            url, health = endpoint.url, endpoint.health
            if health is Health.UP:
                # With a message it has listed its models only; a chat may fail as before.
                if not endpoint.message and url in self._told:
                    del self._told[url]
                    yield f"{url} is back"
            elif self._is_news(endpoint, now):
                self._told[url] = health, endpoint.message
                self._told_at[url, health] = now
                yield f"{endpoint.words} · next try in {duration(ceil(endpoint.delay))}"

    def _is_news(self, endpoint: EndpointStatus, now: float) -> bool:
        url, health = endpoint.url, endpoint.health
        return (
            (health is Health.STOPPED or endpoint.delay >= _NOTICED_SECONDS)
            and self._told.get(url) != (health, endpoint.message)
            and now - self._told_at.get((url, health), -_QUIET_SECONDS) >= _QUIET_SECONDS
        )
