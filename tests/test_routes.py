import pytest

from dpo_tui.backend.embedded import SLOTS, EmbeddedServer, find_model_file
from dpo_tui.domain.model import Sampling
from dpo_tui.domain.sources import SourceSettings
from dpo_tui.errors import AuthError, ConnectError, InputError
from dpo_tui.opening import fitted_plan
from dpo_tui.routes import find_routes
from dpo_tui.settings import Settings
from dpo_tui.source_tables import EndpointSettings
from tests.servers import replies
from tests.servers.wire import MODEL, ChatServer

NOBODY = "http://127.0.0.1:9/v1"
COMPLETION = replies.completion("a")


def named(name: str, url: str) -> EndpointSettings:
    return EndpointSettings(url, model=None, api_key_env="KEY", concurrency=4, name=name)


async def test_a_real_server_is_given_no_more_than_it_has_slots() -> None:
    server = EmbeddedServer(find_model_file(None))
    try:
        base_url = await server.start(lambda _: None)
        settings = Settings(base_url=base_url, concurrency=100)
        (route,) = await find_routes(settings, lambda _: server.key, print, has_work=False)
        assert route.concurrency == SLOTS
        assert route.client.model == server.model
        await route.client.aclose()
    finally:
        server.stop()


async def test_an_endpoint_that_does_not_answer_is_told_and_the_others_are_used() -> None:
    told: list[str] = []
    async with ChatServer(COMPLETION) as server:
        tables = (
            EndpointSettings(url, model=None, api_key_env="KEY", concurrency=4)
            for url in (NOBODY, server.url)
        )
        settings = Settings(endpoints=tuple(tables))
        (route,) = await find_routes(settings, lambda _: None, told.append, has_work=False)
        assert route.client.endpoint == server.url
        assert NOBODY in "".join(told)
        await route.client.aclose()


async def test_an_endpoint_that_is_still_starting_is_asked_when_it_is_up() -> None:
    told: list[str] = []
    async with ChatServer(COMPLETION) as server:
        tables = (
            EndpointSettings(url, model=MODEL, api_key_env="KEY", concurrency=4)
            for url in (NOBODY, server.url)
        )
        settings = Settings(endpoints=tuple(tables))
        routes = await find_routes(settings, lambda _: None, told.append, has_work=False)
        assert [each.client.endpoint for each in routes] == [NOBODY, server.url]
        assert NOBODY in "".join(told)


async def test_what_somebody_has_to_mend_is_told_before_what_may_pass() -> None:
    denied = replies.error(401, "Invalid API Key")
    async with ChatServer(denied) as server:
        server.models_reply = denied
        tables = (
            EndpointSettings(url, model=MODEL, api_key_env="KEY", concurrency=4)
            for url in (NOBODY, server.url)
        )
        with pytest.raises(AuthError):
            await find_routes(
                Settings(endpoints=tuple(tables)), lambda _: None, print, has_work=False
            )


async def test_no_endpoint_at_all_is_an_error_unless_there_is_something_to_label() -> None:
    told: list[str] = []
    settings = Settings(base_url=NOBODY)
    with pytest.raises(ConnectError):
        await find_routes(settings, lambda _: None, told.append, has_work=False)
    assert await find_routes(settings, lambda _: None, told.append, has_work=True) == []
    assert "Labelling what is there already." in told


async def test_a_named_endpoint_that_is_down_is_kept_while_there_is_something_to_label() -> None:
    settings = Settings(base_url=NOBODY, model=MODEL)
    with pytest.raises(ConnectError):
        await find_routes(settings, lambda _: None, print, has_work=False)
    (route,) = await find_routes(settings, lambda _: None, print, has_work=True)
    assert route.client.model == MODEL


async def test_a_wrong_key_is_told_before_anything_begins() -> None:
    denied = replies.error(401, "Invalid API Key")
    async with ChatServer(denied) as server:
        server.models_reply = denied
        with pytest.raises(AuthError, match="Invalid API Key"):
            await find_routes(
                Settings(base_url=server.url, model=MODEL), lambda _: None, print, has_work=False
            )


async def test_a_source_whose_model_nobody_serves_is_an_input_error() -> None:
    async with ChatServer(COMPLETION) as server:
        settings = Settings(base_url=server.url, sources=(SourceSettings(model="other"),))
        with pytest.raises(InputError, match="number 1: no endpoint serves the model 'other'"):
            await find_routes(settings, lambda _: None, print, has_work=False)


@pytest.mark.parametrize(
    "source", [SourceSettings(endpoint="far"), SourceSettings(endpoint="far", model="other")]
)
async def test_a_source_is_waited_for_whose_endpoint_is_down(source: SourceSettings) -> None:
    told: list[str] = []
    async with ChatServer(COMPLETION) as server, ChatServer(COMPLETION) as far:
        settings = Settings(
            endpoints=(named("near", server.url), named("far", far.url)),
            sources=(SourceSettings(endpoint="near"), source),
        )
        far.stop_listening()
        with pytest.raises(ConnectError, match=far.url):
            await find_routes(settings, lambda _: None, told.append, has_work=False)
        assert not told
        (route,) = await find_routes(settings, lambda _: None, told.append, has_work=True)
        assert route.client.endpoint == server.url
        assert far.url in "".join(told)


async def test_a_source_is_waited_for_whose_model_only_an_absent_endpoint_can_have() -> None:
    async with ChatServer(COMPLETION) as server:
        settings = Settings(
            endpoints=(named("near", server.url), named("far", NOBODY)),
            sources=(SourceSettings(model="other"),),
        )
        with pytest.raises(ConnectError, match=NOBODY):
            await find_routes(settings, lambda _: None, print, has_work=False)


async def test_the_default_token_limit_fits_a_small_context_and_a_named_one_is_kept() -> None:
    listing = {"data": [{"id": MODEL, "max_model_len": 512}]}
    async with ChatServer(COMPLETION) as server:
        server.models_reply = replies.answer(200, listing)
        settings = Settings(base_url=server.url)
        routes = await find_routes(settings, lambda _: None, print, has_work=False)
        assert fitted_plan(settings, routes).sampling.max_tokens == 256
        named = Settings(base_url=server.url, sampling=Sampling(max_tokens=600))
        assert fitted_plan(named, routes).sampling.max_tokens == 600
        await routes[0].client.aclose()
