"""A secret shows itself to whoever asks for it, and to nobody else."""

import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable

import pytest

from dpo_tui.secret import Secret

KEY = "sk-very-secret"


@pytest.mark.parametrize(
    "show",
    [
        str,
        repr,
        "{}".format,
        "{!r:>30}".format,
        "%s".__mod__,
        lambda secret: f"{[secret]} { ({'key': secret}) }",
        lambda secret: json.dumps(secret, default=repr),
    ],
)
def test_it_does_not_show_itself(show: Callable[[Secret], str]) -> None:
    assert "***" in show(Secret(KEY))
    assert KEY not in show(Secret(KEY))


def test_it_gives_itself_to_who_asks() -> None:
    assert Secret(KEY).reveal() == KEY


def test_it_is_not_in_a_log(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("any").error("with %s and %r", Secret(KEY), {"key": Secret(KEY)})
    assert "***" in caplog.text
    assert KEY not in caplog.text


def test_it_is_not_in_a_traceback_with_locals() -> None:
    key = Secret(KEY)
    stack = traceback.StackSummary.extract(traceback.walk_stack(None), capture_locals=True)
    told = "".join(stack.format())
    assert f"key = {key}" in told
    assert "key = Secret(***)" in told


@pytest.mark.parametrize("leave", [pickle.dumps, copy.copy, copy.deepcopy])
def test_it_does_not_leave_the_process_or_multiply(leave: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError, match="not pickled") as error:
        leave(Secret(KEY))
    assert KEY not in str(error.value)


def test_it_has_no_other_attributes() -> None:
    with pytest.raises(TypeError):
        vars(Secret(KEY))
