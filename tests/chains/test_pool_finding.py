"""How factories are asked for their pools, and what their answers mean."""

import pytest

from tidemill.chains.evm.forks import Factory
from tidemill.chains.evm.pool_finding import found_pools, places
from tidemill.chains.evm.token_names import TokenNames
from tidemill.schema.faults import Refused

LOW, HIGH, POOL = b"\x01" * 20, b"\x02" * 20, b"\x03" * 20
PAIR = (LOW, HIGH)
WORDS = bytes(12) + LOW + bytes(12) + HIGH


def factory(protocol: str, rules: str | None = None) -> Factory:
    return Factory(b"\x0f" * 20, protocol, "a dex", 997, 1000, 0, rules)


@pytest.mark.parametrize(
    ("of", "questions"),
    [
        (factory("uniswap_v2"), ["e6a43905"]),
        (factory("solidly", "solidly"), ["6801cc30", "6801cc30"]),
        (factory("solidly", "velodrome"), ["79bc57d5", "79bc57d5"]),
        (factory("algebra", "v1"), ["d9a641e1"]),
        (factory("uniswap_v3"), ["1698ee82"] * 8),
        (factory("uniswap_v4"), []),
    ],
)
def test_each_protocol_is_asked_in_its_own_way(of: Factory, questions: list[str]) -> None:
    asked = places([of], [PAIR])
    assert [place.question[1][:4].hex() for place in asked] == questions
    assert all(place.question[0] == of.address and place.question[1][4:68] == WORDS for place in asked)
    assert len({place.question for place in asked}) == len(asked)


def test_a_pool_is_found_once_and_only_where_an_answer_names_one() -> None:
    asked = places([factory("uniswap_v3")], [PAIR])
    answers = [None, b"", bytes(32), bytes(12) + POOL, bytes(12) + POOL, b"\x01", bytes(32), bytes(32)]
    assert [(pool.address, pool.pair) for pool in found_pools(asked, answers)] == [(POOL, PAIR)]


def test_a_symbol_of_two_tokens_means_neither() -> None:
    symbol = b"USDC".ljust(32, b"\x00")
    names = TokenNames("chain x", [LOW, HIGH, POOL], [symbol, symbol, None])
    with pytest.raises(Refused, match="chain x: USDC: expected one token of this symbol, found 0x0101"):
        names.find("USDC")
    assert names.find("WETH") is None
    assert names.find("0x" + POOL.hex()) == POOL
    assert TokenNames("chain x", [LOW], [symbol]).find("USDC") == LOW
