from dpo_tui.service.endpoint import EndpointStatus, Health
from dpo_tui.troubles import Troubles

URL = "http://one/v1"
WELL = EndpointStatus(URL, "m", Health.UP, 0)
ON_TRIAL = EndpointStatus(URL, "m", Health.UP, 0, "slow down")


def ill(health: Health, message: str = "slow down", delay: float = 4.0) -> EndpointStatus:
    return EndpointStatus(URL, "m", health, 0, message, "Wait.", delay)


def told(*steps: tuple[float, EndpointStatus]) -> list[str]:
    troubles = Troubles()
    return [line for now, status in steps for line in troubles.news([status], now)]


def test_a_trouble_is_one_line_with_the_place_the_remedy_and_the_next_try() -> None:
    assert told((0, ill(Health.BUSY, delay=3.2))) == [f"{URL}: slow down · Wait. · next try in 4s"]


def test_a_list_of_models_does_not_mean_that_it_is_back() -> None:
    lines = told(
        (0, WELL), (1, ill(Health.BUSY)), (5, ON_TRIAL), (5, ill(Health.BUSY)), (9, WELL), (9, WELL)
    )
    assert [line.partition(" ")[2] for line in lines] == [
        "slow down · Wait. · next try in 4s",
        "is back",
    ]


def test_what_passes_in_a_moment_is_not_told_unless_somebody_has_to_mend_it() -> None:
    assert not told((0, ill(Health.BUSY, delay=1)), (1, ON_TRIAL), (1, WELL))
    assert len(told((0, ill(Health.STOPPED, delay=0.5)))) == 1


def test_a_limit_every_few_seconds_is_told_once_a_minute() -> None:
    lines = told(*((each, ill(Health.BUSY, f"{each}") if each % 2 else WELL) for each in range(90)))
    assert len(lines) == 4


def test_a_trouble_of_another_kind_is_told_at_once() -> None:
    lines = told((0, ill(Health.BUSY)), (1, ill(Health.DOWN)), (2, ill(Health.BUSY)), (3, WELL))
    assert [line[-7:] for line in lines] == ["y in 4s", "y in 4s", "is back"]
