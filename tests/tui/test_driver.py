from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dpo_tui.tui.driver import PasteGuard

BEGINS, ENDS = "\x1b[200~", "\x1b[201~"
typed = st.text("ab\x1b[OA\r", max_size=8).filter(lambda text: BEGINS not in text)
pasted = st.text("ab\x1b[201\r\n", max_size=30).filter(lambda text: ENDS not in text)


def chunks(text: str, cuts: list[int]) -> list[str]:
    at = sorted({cut % (len(text) + 1) for cut in cuts} | {0, len(text)})
    return [text[one:other] for one, other in pairwise(at)]


@given(st.lists(st.tuples(typed, pasted), max_size=3), typed, st.lists(st.integers(0, 500)))
def test_no_escape_of_a_paste_gets_through_and_keys_do(
    parts: list[tuple[str, str]], last: str, cuts: list[int]
) -> None:
    text = "".join(f"{keys}{BEGINS}{paste}{ENDS}" for keys, paste in parts) + last
    wanted = last
    for keys, paste in reversed(parts):
        wanted = f"{keys}{BEGINS}{paste.replace(chr(27), '␛')}{ENDS}{wanted}"
    guard = PasteGuard()
    assert "".join(map(guard.clean, chunks(text, cuts))) == wanted


def test_a_lone_escape_is_not_held_back() -> None:
    assert PasteGuard().clean("\x1b") == "\x1b"
