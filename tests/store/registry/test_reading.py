"""A file of whales is read whole or refused with the line that is wrong."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.schema.faults import Malformed
from tidemill.store.registry import address_of, checksummed, read_whales

ONE = "0x1f2dd6d473f3e824cd2f8a89d9c69fb96f6ad0cf"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("w.csv", f"address,tier\n{ONE},MEGA\n0x12,MEGA\n", "w.csv:3: expected an address"),
        ("w.csv", f'address,notes\n{ONE},"a\nb"\n0x12,\n', "w.csv:4: expected an address"),
        ("w.csv", f"address,win_rate\n{ONE},101\n", "w.csv:2: win_rate: expected a percentage"),
        ("w.csv", f"address,is_famous\n{ONE},perhaps\n", "w.csv:2: is_famous"),
        ("w.csv", f"address,teir\n{ONE},MEGA\n", "did you mean 'tier'"),
        ("w.csv", f"address,tier\n{ONE}\n", "w.csv:2: expected 2 values, as the first line has, found 1"),
        ("w.csv", f"address\n{ONE}\n{ONE.upper().replace('X', 'x')}\n", "w.csv:3: expected a whale once"),
        ("w.csv", "tier\nMEGA\n", "w.csv:1: expected fields' names"),
        ("w.csv", f'address,notes\n{ONE},"never ends\n', "w.csv:2: expected CSV"),
        ("w.json", f'[{{"address": "{ONE}"}},\n{{"address": 12}}]', "w.json:2: expected an address"),
        ("w.json", f'[{{"address": "{ONE}"}}\n{{"a": 1}}]', "w.json:2: expected a comma"),
        ("w.json", f'[{{"address": "{ONE}",\n\n"tier" "MEGA"}}]', "w.json:3: expected JSON"),
        ("w.json", f'[{{"address": "{ONE}", "total_volume": NaN}}]', "w.json:1: total_volume"),
        ("w.json", f'{{"address": "{ONE}"}}', "w.json:1: expected an array"),
        ("w.json", f'[{{"address": "{ONE}", "tier": "\\u0000"}}]', "w.json:1: tier: expected text"),
        ("w.json", "[[]]", "w.json:1: expected an object"),
        ("w.jsonl", f'{{"address": "{ONE}"}}\n[]\n', "w.jsonl:2: expected an object"),
        ("w.xml", "", "expected a file named .csv, .json, .jsonl"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, name, content, said):
    (tmp_path / name).write_text(content)
    with pytest.raises(Malformed) as raised:
        read_whales(tmp_path / name)
    assert said in str(raised.value)


@given(st.binary(max_size=300), st.sampled_from([".csv", ".json", ".jsonl"]))
def test_any_bytes_are_read_or_malformed(tmp_path_factory, content, suffix):
    file = tmp_path_factory.getbasetemp() / f"any{suffix}"
    file.write_bytes(content)
    with suppress(Malformed):
        read_whales(file)


@given(st.binary(min_size=20, max_size=20))
def test_an_address_is_the_same_in_every_spelling_but_a_mistyped_checksum(raw):
    address = f"0x{raw.hex()}"
    right = checksummed(address)
    assert address_of(right) == address_of(address) == address
    letter = next((at for at in range(2, 42) if right[at].isalpha()), None)
    wrong = "" if letter is None else right[:letter] + right[letter].swapcase() + right[letter + 1 :]
    if wrong and wrong[2:] not in {wrong[2:].lower(), wrong[2:].upper()}:
        with pytest.raises(Malformed):
            address_of(wrong)
