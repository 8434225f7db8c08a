"""Does the hand-made coder agree with the general one, and refuse what is not an answer."""

from eth_abi import decode, encode
from hypothesis import given
from hypothesis import strategies as st

from tidemill._rust import decode_aggregate3, decode_bundle, encode_aggregate3, parse_bytes
from tidemill.chains.evm.answers import RpcError
from tidemill.chains.evm.ranges import RangeSize
from tidemill.chains.evm.tokens import read_decimals, read_symbol
from tidemill.schema.faults import Malformed

QUESTIONS = st.lists(st.tuples(st.binary(min_size=20, max_size=20), st.binary(max_size=100)), max_size=20)


@given(QUESTIONS)
def test_questions_are_encoded_as_the_general_coder_does(questions: list[tuple[bytes, bytes]]) -> None:
    expected = encode(["(address,bool,bytes)[]"], [[(to, True, data) for to, data in questions]])
    assert encode_aggregate3(questions) == bytes.fromhex("82ad56cb") + expected


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=100)), max_size=20))
def test_answers_are_decoded_as_the_general_coder_does(answers: list[tuple[bool, bytes]]) -> None:
    data = encode(["(bool,bytes)[]"], [answers])
    assert decode_aggregate3(data, len(answers)) == [
        result if success else None for success, result in answers
    ]


@given(st.binary(max_size=400), st.integers(0, 5))
def test_random_bytes_are_decoded_or_malformed(data: bytes, expected: int) -> None:
    for decoded in (decode_aggregate3, decode_bundle):
        try:
            assert len(decoded(data, expected)) == expected
        except Malformed:
            continue


@given(st.binary(max_size=80))
def test_random_json_is_bytes_or_malformed(data: bytes) -> None:
    try:
        parse_bytes(data)
    except Malformed:
        return
    assert data.strip().startswith(b'"0x')


@given(st.binary(max_size=200))
def test_a_token_may_say_anything(answer: bytes) -> None:
    symbol, decimals = read_symbol(answer), read_decimals(answer)
    assert symbol is None or 0 < len(symbol) <= 64
    assert decimals is None or 0 <= decimals <= 255


@given(st.text(min_size=1, max_size=30).filter(str.isprintable))
def test_a_symbol_that_is_a_string_is_read(symbol: str) -> None:
    assert read_symbol(encode(["string"], [symbol])) == symbol
    assert decode(["string"], encode(["string"], [symbol])) == (symbol,)


def test_a_range_shrinks_when_refused_and_grows_when_answers_are_small() -> None:
    size = RangeSize(100, 1_000, 50)
    size.answered(100, 10)
    assert size.blocks == 200
    assert size.refused(200) == 100
    for _ in range(5):
        size.answered(size.blocks, 0)
    assert size.blocks == 199
    size.answered(199, 1_000)
    assert size.blocks == 99


def test_what_nodes_say_is_understood() -> None:
    too_large = [
        "query returned more than 10000 results",
        "eth_getLogs block range too large, range: 5000, max: 2000",
        "exceed maximum block range: 5000",
        "Log response size exceeded.",
        "query timeout exceeded",
        "block range is too wide",
        "EVM error OutOfGas",
    ]
    assert all(RpcError(-32000, message).is_too_large for message in too_large)
    busy = ["Too Many Requests", "request rate limited", "exceeded its compute units per second capacity"]
    assert all(RpcError(-32005, message).is_busy for message in busy)
    assert not any(RpcError(-32005, message).is_too_large for message in busy)
    missing = ["unknown block", "header not found", "missing trie node abc (path ) state 0x is not available"]
    assert all(RpcError(-32000, message).is_missing for message in missing)
    unknown = (
        "the method eth_getBlockReceipts does not exist/is not available",
        "Method not found",
        "Unsupported method: eth_getBlockReceipts. See the plan",
        "rpc method is not whitelisted",
        "The method eth_subscribe is not supported",
    )
    assert all(RpcError(-32000, message).is_unknown_method for message in unknown)
    others = (*too_large, *busy, *missing, "execution reverted: a method")
    assert not any(RpcError(-32000, message).is_unknown_method for message in others)
    assert RpcError(-32601, "").is_unknown_method
