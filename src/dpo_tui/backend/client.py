"""The chat client: one request to an OpenAI-compatible server, and its stream as events."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

import httpx
from msgspec.structs import replace

from dpo_tui.backend.address import Address, parse_base_url
from dpo_tui.backend.choices import Choices
from dpo_tui.backend.failures import broken, failure, is_refused
from dpo_tui.backend.habits import Habits
from dpo_tui.backend.models import NO_MODELS, Models, ensure_model, list_models
from dpo_tui.backend.said import Said, read_response
from dpo_tui.backend.stream import ChunkStream, Timeouts, read_beginning
from dpo_tui.backend.watch import ServerGoneError, Watch
from dpo_tui.domain.chat import Admitted, Ask, ChatEvent, Narrowed
from dpo_tui.errors import BackendError, ConnectError, PromptError, ServerError, StallError
from dpo_tui.secret import Secret

_CLOSED = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)


class _KeptConnectionClosedError(ConnectError):
    """Nothing was wrong with the request: a new connection will do."""


class HttpChatClient:
    """One endpoint, as `service.ports.ChatClient` wants it.

    It remembers what the server has shown of itself: how many choices it gives in one request, and
    which form of request it takes.

    Raises:
        InputError: `base_url` is none.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        key: Secret | None = None,
        key_name: str = "OPENAI_API_KEY",
        timeouts: Timeouts | None = None,
        max_connections: int = 8,
        *,
        name: str = "",
        models: Models = NO_MODELS,
    ) -> None:
        self._address = Address(parse_base_url(base_url), key, key_name)
        self._model = model
        self._name = name
        self._models = models
        self._timeouts = timeouts or Timeouts()
        self._max_connections = max_connections
        self._habits = Habits()
        self._http: httpx.AsyncClient | None = None

    @property
    def endpoint(self) -> str:
        """Base URL, for people and for a response's source."""
        return self._address.base_url

    @property
    def name(self) -> str:
        """What sources call it; empty if it has no name."""
        return self._name

    @property
    def model(self) -> str:
        """The model that is asked for if an ask names none."""
        return self._model

    @property
    def context(self) -> int | None:
        """Tokens that prompt and response share, if the server has told."""
        return self._models.contexts.get(self._model)

    def serves(self, model: str) -> bool:
        """Whether it has this model; without a list of models it is believed to have it.

        By its exact name: llama.cpp would take any, and serve what it has.
        """
        known = (self._model, *self._models.ids, *self._models.aliases)
        return model in known or not self._models.ids

    def choices_per_request(self, wanted: int) -> int:
        """How many of `wanted` choices to ask for in one request, as far as is known."""
        return self._habits.choices(wanted)

    async def stream(self, ask: Ask) -> AsyncGenerator[ChatEvent, None]:
        """Send one request and yield what comes, until every choice has ended.

        It is sent again only in another form, if the server refuses this one before it has done
        anything. A stream that breaks off in the middle ends what had begun with `whole=False`; an
        error raises, after what had its finish_reason has ended.

        Raises:
            BackendError: the request failed; choices that had not ended are lost.
        """
        while True:
            n = self._habits.choices(ask.n)
            if n < ask.n:
                ask = replace(ask, n=n)
                yield Narrowed(n)
            body = self._habits.body(ask, ask.model or self._model)
            said: Said | None = None
            async with aclosing(self._attempt(body, ask)) as attempt:
                async for each in attempt:
                    if isinstance(each, Said):
                        said = each
                    else:
                        yield each
            if said is None:
                return
            self._habits.learn(said, ask)
            if (
                self._habits.choices(n) == n
                and self._habits.body(ask, ask.model or self._model) == body
            ):
                raise failure(said, self._address, frozenset(body))

    async def probe(self) -> None:
        """Ask cheaply whether the endpoint would serve a request now: it lists its models.

        Raises:
            BackendError: it would not, and why.
        """
        ensure_model(self._model, await list_models(self._address), self._address)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._http:
            await self._http.aclose()
            self._http = None

    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            # Silences while waiting for an answer are told apart here and in `ChunkStream`.
            timeout = httpx.Timeout(None, connect=self._timeouts.connect, write=30.0)
            self._http = self._address.open(timeout, self._max_connections)
        return self._http

    async def _attempt(
        self, body: dict[str, Any], ask: Ask
    ) -> AsyncGenerator[ChatEvent | Said, None]:
        """What one request brings; if it is refused before there is text, that comes last."""
        with Watch(self._no_listener, self._timeouts.quiet) as watch:
            response = await self._send(body, watch)
            try:
                if not response.is_success:
                    yield await self._refusal(response)
                    return
                yield Admitted()
                chunks = ChunkStream(response, self._timeouts, self._address, watch)
                async with aclosing(self._events(chunks, body, ask)) as events:
                    async for event in events:
                        yield event
            finally:
                await response.aclose()

    async def _no_listener(self) -> ConnectError | None:
        """What a new connection meets if it is refused."""
        try:
            await list_models(self._address)
        except ConnectError as error:
            return error if is_refused(error) else None
        except BackendError:
            pass
        return None

    async def _send(self, body: dict[str, Any], watch: Watch) -> httpx.Response:
        """Send a request and wait for the headers of its answer."""
        try:
            content = json.dumps(body, allow_nan=False).encode("ascii")
        except (TypeError, ValueError) as error:
            raise PromptError(
                f"The request can't be written as JSON: {error}.",
                remedy="Change the values under sampling.extra to plain text, numbers and lists.",
            ) from error
        try:
            return await self._post(content, watch)
        except _KeptConnectionClosedError:
            return await self._post(content, watch)

    async def _post(self, content: bytes, watch: Watch) -> httpx.Response:
        """Send a body once.

        Raises:
            _KeptConnectionClosedError: a connection that had been used before was closed, without a
                byte, just as it was used again. llama.cpp does that now and then.
        """
        client = self._client()
        is_new_connection = False

        async def trace(event: str, _: object) -> None:
            nonlocal is_new_connection
            is_new_connection |= event == "connection.connect_tcp.started"

        request = client.build_request(
            "POST",
            self._address.chat_url,
            content=content,
            headers={"Content-Type": "application/json"},
            extensions={"trace": trace},
        )
        try:
            return await watch.wait(client.send(request, stream=True), self._timeouts.queued)
        except TimeoutError:
            raise StallError(
                f"{self.endpoint} took the request and did not begin to answer for"
                f" {self._timeouts.queued:g} s: it is still queued, or the server hangs.",
                remedy="Send less at once, or look at the server.",
            ) from None
        except httpx.RequestError as error:
            told = broken(error, self._address)
            if isinstance(error, _CLOSED) and not is_new_connection:
                raise _KeptConnectionClosedError(told.message, remedy=told.remedy) from error
            raise told from error

    async def _refusal(self, response: httpx.Response) -> Said:
        body = await read_beginning(response)
        said = read_response(response.status_code, response.headers, body)
        return said if said.message else replace(said, message=response.reason_phrase)

    async def _events(
        self, chunks: ChunkStream, body: dict[str, Any], ask: Ask
    ) -> AsyncGenerator[ChatEvent | Said, None]:
        """What a response with status 200 brings."""
        choices = Choices(ask.n, self._habits)
        trouble: BackendError | None = None
        try:
            async with aclosing(chunks.read()) as stream:
                async for chunk in stream:
                    if isinstance(chunk, Said):
                        if choices.is_untouched:
                            yield chunk
                            return
                        raise failure(chunk, self._address, frozenset(body))
                    for event in choices.feed(chunk):
                        yield event
                    if choices.is_finished:
                        chunks.expect_end()
                    elif choices.has_text:
                        chunks.expect_more_text()
        except BackendError as error:
            trouble = error
        for event in self._last_events(choices, trouble, is_done=chunks.is_done):
            yield event

    def _last_events(
        self, choices: Choices, trouble: BackendError | None, *, is_done: bool
    ) -> Iterator[ChatEvent]:
        # What a server leaves behind that is gone for good is asked for again, when it is back.
        is_cut = isinstance(trouble, ConnectError) and not isinstance(trouble, ServerGoneError)
        if is_cut and not choices.has_begun:
            raise ServerError(
                f"{self.endpoint} hung up before the first token.",
                remedy="The server's own log says more.",
            ) from trouble
        if trouble and not is_cut and not choices.is_finished:
            yield from choices.close_finished()
            raise trouble
        if not choices.has_begun:
            raise ServerError(
                f"{self.endpoint} answered without a completion.",
                remedy="The server's own log says more.",
            )
        yield from choices.close(whole=is_done)
