"""Only 0x and the right number of digits are bytes."""

import pytest

from tidemill.core.hexadecimal import fixed_bytes


def test_digits_of_either_case_are_bytes() -> None:
    assert fixed_bytes("0x00fF", 2) == b"\x00\xff"
    assert fixed_bytes("0x", 0) == b""


@pytest.mark.parametrize(
    "text", ["", "00ff", "0x0ff", "0x00f", "0x00ff00", "0x00 f", "0x0 0 ", "0x00fg", "0X00ff"]
)
def test_any_other_text_is_none(text: str) -> None:
    assert fixed_bytes(text, 2) is None
