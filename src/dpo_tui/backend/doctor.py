"""What `doctor` does: find out what an endpoint is, and try what the app will ask of it.

One request after the other, so that none disturbs the next; short ones, each in bounded time, so
that all of them together take about 20 s against a slow server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from dpo_tui.backend.address import Address, parse_base_url
from dpo_tui.backend.client import HttpChatClient
from dpo_tui.backend.diagnosis import Check, ChoiceCount, Diagnosis, SeedUse, Speed
from dpo_tui.backend.discovery import (
    CANDIDATES,
    Candidate,
    Found,
    choose_model,
    discover,
    find_route,
)
from dpo_tui.backend.identity import identify
from dpo_tui.backend.models import Models, ensure_model
from dpo_tui.backend.trials import Heard, hear, see
from dpo_tui.domain.chat import Ask
from dpo_tui.domain.model import MAX_RESPONSES, MIN_RESPONSES, Message, Sampling
from dpo_tui.errors import AuthError, BackendError, DpoTuiError, ModelError, StallError
from dpo_tui.secret import Secret

Say = Callable[[str], None]
"""Told what is being tried."""
_T = TypeVar("_T")

_FIRST_SECONDS = 8.0
"""For the first request of all: Ollama loads the model for it."""
_STEP_SECONDS = 3.0
_SEED_SECONDS = 1.5
"""For each of the three requests."""
_TELLING = 20
"""Characters of an unfinished text that two seeds will hardly have in common."""
_TOKENS = 64
_FEW_TOKENS = 16
_COUNTING = (Message("user", "Count from 1 to 20."),)
_STORY = (Message("user", "Invent a name for a village, and describe the village at length."),)
_HOPELESS = (StallError, AuthError, ModelError)
"""After these of the first request, more requests would only take time."""


class Patient(Struct, frozen=True):
    """An endpoint to look at."""

    base_url: str
    model: str | None = None
    key: Secret | None = None
    key_name: str = "OPENAI_API_KEY"
    concurrency: int = 8
    """How many streams to try at once."""
    guess: str = ""
    """The usual server of this port."""


async def found_patients(
    model: str | None, concurrency: int, candidates: Sequence[Candidate] = CANDIDATES
) -> list[Patient | Diagnosis]:
    """The servers of this machine; those that want a key are diagnosed with that: none is sent."""
    return [
        _locked(each)
        if each.needs_key
        else Patient(each.base_url, model, concurrency=concurrency, guess=each.server)
        for each in await discover(candidates)
    ]


def _locked(found: Found) -> Diagnosis:
    return Diagnosis(
        found.base_url,
        server=found.server,
        problem=f"{found.base_url} wants a key.",
        remedy=f"If it is yours: --base-url {found.base_url} sends it the key.",
    )


async def diagnose(patient: Patient, say: Say) -> Diagnosis:
    """Look at one endpoint. Whatever goes wrong there stands in the diagnosis.

    Raises:
        InputError: its base URL is none.
    """
    address = Address(parse_base_url(patient.base_url), patient.key, patient.key_name)
    key_name = patient.key_name if patient.key else ""
    known = Diagnosis(address.base_url, key_name)
    say(f"{address.base_url}: asking what it is")
    try:
        address, models, _ = await find_route(address)
        identity = await identify(address, models, patient.guess)
        known = Diagnosis(
            address.base_url, key_name, identity.server, models.ids, slots=identity.slots
        )
        model = _model(patient, models, address)
    except DpoTuiError as error:
        return replace(known, problem=error.message, remedy=error.remedy)
    context = identity.context or models.contexts.get(model)
    return await _try_out(
        replace(known, model=model, context=context), model, address, patient.concurrency, say
    )


def _model(patient: Patient, models: Models, address: Address) -> str:
    if patient.model is None:
        return choose_model(models.ids, address.base_url)
    ensure_model(patient.model, models, address)
    return patient.model


class _Trials:
    """Makes trials, and keeps what went wrong with them."""

    def __init__(self, base_url: str, say: Say) -> None:
        self.failures: dict[Check, str] = {}
        self.first_error: BackendError | None = None
        self._base_url = base_url
        self._say = say

    @property
    def is_hopeless(self) -> bool:
        """Whether it makes no sense to go on."""
        return isinstance(self.first_error, _HOPELESS)

    async def make(self, check: Check, words: str, trial: Awaitable[_T]) -> _T | None:
        """What the trial brings; None if it fails."""
        self._say(f"{self._base_url}: {words}")
        try:
            return await trial
        except BackendError as error:
            self.failures[check] = error.message
            self.first_error = self.first_error or error
            return None


async def _try_out(
    known: Diagnosis, model: str, address: Address, concurrency: int, say: Say
) -> Diagnosis:
    trials = _Trials(known.base_url, say)
    wire = await trials.make(
        Check.STREAM,
        "trying a first completion",
        see(address, model, _ask(_COUNTING, _FEW_TOKENS), _FIRST_SECONDS),
    )
    known = replace(known, wire=wire)
    if not trials.is_hopeless:
        client = HttpChatClient(
            address.base_url, model, address.key, address.key_name, max_connections=concurrency
        )
        try:
            known = await _listen(known, client, concurrency, trials)
        finally:
            await client.aclose()
    works = any((known.wire, known.choices, known.seed, known.one_stream, known.streams))
    error = None if works else trials.first_error
    return replace(
        known,
        problem=error.message if error else "",
        remedy=error.remedy if error else "",
        failures=trials.failures,
    )


async def _listen(
    known: Diagnosis, client: HttpChatClient, concurrency: int, trials: _Trials
) -> Diagnosis:
    """Try what the app will ask, in the way in which it will ask."""
    asked = min(max(concurrency, MIN_RESPONSES), MAX_RESPONSES)
    choices = await trials.make(
        Check.CHOICES, f"asking for {asked} choices at once", _choices(client, asked)
    )
    seed = await trials.make(Check.SEED, "trying the seed", _seed(client))
    one = await trials.make(
        Check.ONE_STREAM,
        "measuring one stream",
        hear(client, _ask(_STORY, _TOKENS), _STEP_SECONDS),
    )
    streams = await trials.make(
        Check.STREAMS, f"measuring {concurrency} streams", _speed(client, concurrency)
    )
    return replace(
        known,
        choices=choices,
        seed=seed,
        first_token_seconds=one.first if one else None,
        one_stream=_together([one], 1) if one else None,
        streams=streams,
    )


def _ask(
    messages: tuple[Message, ...],
    max_tokens: int,
    n: int = 1,
    *,
    seed: int | None = None,
    temperature: float | None = None,
) -> Ask:
    sampling = Sampling(temperature=temperature, max_tokens=max_tokens, seed=seed)
    return Ask(messages, sampling, n)


async def _choices(client: HttpChatClient, asked: int) -> ChoiceCount:
    heard = await hear(client, _ask(_COUNTING, 4, asked), _STEP_SECONDS)
    given = len(heard.texts)
    if not heard.is_whole and given < heard.expected:
        raise StallError(
            f"{client.endpoint} began only {given} of {heard.expected} choices"
            f" within {_STEP_SECONDS:g} s."
        )
    return ChoiceCount(asked, given)


async def _seed(client: HttpChatClient) -> SeedUse:
    one, again, other = [
        await hear(client, _ask(_STORY, _FEW_TOKENS, seed=seed, temperature=1.0), _SEED_SECONDS)
        for seed in (1, 1, 2)
    ]
    if not _same(one, again):
        return SeedUse.UNSTABLE
    if not _same(one, other):
        return SeedUse.HONOURED
    if any(not each.is_whole and len(each.texts[0]) < _TELLING for each in (one, other)):
        raise StallError(f"{client.endpoint} is too slow to tell.")
    return SeedUse.IGNORED


def _same(one: Heard, other: Heard) -> bool:
    """Whether the texts are the same, as far as both have come."""
    first, second = one.texts[0], other.texts[0]
    if one.is_whole and other.is_whole:
        return first == second
    length = min(len(first), len(second))
    return first[:length] == second[:length]


async def _speed(client: HttpChatClient, streams: int) -> Speed:
    ask = _ask(_STORY, _TOKENS)
    results = await asyncio.gather(
        *(hear(client, ask, _STEP_SECONDS) for _ in range(streams)), return_exceptions=True
    )
    for each in results:
        if isinstance(each, BaseException) and not isinstance(each, BackendError):
            raise each
    heard = [each for each in results if isinstance(each, Heard)]
    if not heard:
        raise next(each for each in results if isinstance(each, BackendError))
    return _together(heard, streams)


def _together(heard: Sequence[Heard], streams: int) -> Speed:
    seconds = max(each.last for each in heard)
    tokens = sum(each.tokens for each in heard)
    return Speed(streams, len(heard), tokens / max(seconds, 0.001))
