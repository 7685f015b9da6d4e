from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpo_tui.errors import InputError
from dpo_tui.prompts.data import Data
from dpo_tui.prompts.text import read_text


def _read(folder: Path, data: bytes) -> list[str]:
    path = folder / "prompts.txt"
    path.write_bytes(data)
    return [each.messages[0].content for each in read_text(Data(path))]


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\n\r\ufeff")).filter(str.strip)
    )
)
def test_each_line_is_a_prompt_exactly(scratch: Path, lines: list[str]) -> None:
    assert _read(scratch, "\n\n".join(lines).encode()) == lines
    assert _read(scratch, "".join(f"{line}\r\n" for line in lines).encode()) == lines


def test_only_line_ends_and_the_byte_order_mark_are_taken_off(tmp_path: Path) -> None:
    data = "\ufeff  # not a comment \r\n \t\r\na\u2028b\rc\n".encode()
    assert _read(tmp_path, data) == ["  # not a comment ", "a\u2028b\rc"]


def test_what_is_no_utf8_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"prompts\.txt: line 3: not UTF-8"):
        _read(tmp_path, b"a\n\n\xff\xfe\n")
