"""Is a transaction followed over reorgs to its end, whatever the chain does in between?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tidemill.execute.account.receipts import (
    Change,
    Final,
    Included,
    Look,
    Missing,
    Receipt,
    Reorged,
    TakenByOthers,
    Watched,
    profit_of,
    read_receipt,
    step,
)
from tidemill.schema.faults import Malformed

OURS, REPLACING = b"\x01" * 32, b"\x02" * 32
START = Watched(nonce=5, digests=(OURS, REPLACING))
EXECUTOR, TOKEN, OWNER, LENDER = (bytes([n]) * 20 for n in (1, 2, 3, 4))
EXECUTED = "0x9d3143df72a22f3dea2e5172436c8d5eed763f17bef7a640c55666bdf8a8ad92"


def _receipt(block: int, fork: int = 0, digest: bytes = OURS) -> Receipt:
    return Receipt(
        digest=digest,
        block_number=block,
        block_hash=bytes([block, fork]) * 16,
        is_success=True,
        gas_used=100,
        effective_price_wei=3,
        data_fee_wei=7,
        logs=(),
    )


def _look(head: int, receipt: Receipt | None = None, nonces: int = 5, *, is_known: bool = True) -> Look:
    return Look(
        head_number=head,
        nonce_count=max(nonces, 6) if receipt else nonces,
        receipts=(receipt,) if receipt else (),
        known=frozenset([OURS] if is_known else []),
    )


def _run(*looks: Look, final_blocks: int = 3) -> tuple[Watched, list[list[Change]]]:
    watched, found = START, []
    for look in looks:
        watched, changes = step(watched, look, final_blocks)
        found.append(changes)
    return watched, found


def test_it_is_included_once_and_final_when_so_many_blocks_have_it() -> None:
    receipt = _receipt(10)
    watched, changes = _run(_look(9), _look(10, receipt), _look(11, receipt), _look(12, receipt))
    assert changes == [[], [Included(receipt)], [], [Final(receipt)]]
    assert watched.is_over


def test_a_chain_that_is_final_at_once_tells_both() -> None:
    receipt = _receipt(10)
    _, changes = _run(_look(10, receipt), final_blocks=1)
    assert changes == [[Included(receipt), Final(receipt)]]


def test_a_block_that_is_reorganised_away_gives_it_back() -> None:
    first, second = _receipt(10), _receipt(11, fork=1)
    watched, changes = _run(_look(10, first), _look(10), _look(11, second))
    assert changes == [[Included(first)], [Reorged(first)], [Included(second)]]
    assert watched.included == second


def test_a_block_that_is_exchanged_between_two_looks_is_noticed() -> None:
    first, second = _receipt(10), _receipt(10, fork=1)
    _, changes = _run(_look(10, first), _look(10, second))
    assert changes[1] == [Reorged(first), Included(second)]


def test_what_replaces_it_counts_as_it() -> None:
    replaced = _receipt(10, digest=REPLACING)
    _, changes = _run(_look(10, replaced))
    assert changes == [[Included(replaced)]]


def test_a_nonce_that_others_took_is_told_only_when_blocks_agree() -> None:
    watched, changes = _run(
        _look(10, nonces=6), _look(10, nonces=6), _look(11, nonces=6), _look(12, nonces=6)
    )
    assert changes == [[], [], [], [TakenByOthers()]]
    assert watched.is_over
    _, changes = _run(_look(10, nonces=6), _look(11), _look(12, nonces=6))  # a node that was behind
    assert changes == [[], [], []]


def test_what_the_node_lost_is_to_be_sent_again() -> None:
    watched, changes = _run(_look(10, is_known=False))
    assert changes == [[Missing()]]
    assert not watched.is_over


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2), st.booleans()), max_size=25))
def test_its_changes_are_always_in_order(moves: list[tuple[int, int, bool]]) -> None:
    head, watched, state = 10, START, "sent"
    for advance, fork, is_included in moves:
        head += advance
        receipt = _receipt(head - advance + 1, fork) if is_included else None
        watched, changes = step(watched, _look(head, receipt), 3)
        for change in changes:
            match change:
                case Included():
                    assert state == "sent"
                    state = "included"
                case Reorged():
                    assert state == "included"
                    state = "sent"
                case Final():
                    assert state == "included"
                    state = "final"
                case Missing() | TakenByOthers():
                    assert state == "sent"
        assert (state == "final") == watched.is_over
        if watched.is_over:
            return


def _log(address: bytes, topics: list[str], *words: int) -> dict[str, object]:
    return {
        "address": "0x" + address.hex(),
        "topics": topics,
        "data": "0x" + b"".join(word.to_bytes(32) for word in words).hex(),
    }


def _transfer(giver: bytes, taker: bytes, amount: int, token: bytes = TOKEN) -> dict[str, object]:
    transfer = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
    return _log(token, [transfer, *("0x" + bytes(12).hex() + one.hex() for one in (giver, taker))], amount)


def _told(profit: int, token: bytes = TOKEN) -> dict[str, object]:
    return _log(EXECUTOR, [EXECUTED, "0x" + bytes(12).hex() + token.hex()], 1_000, profit, 4)


def _profit(*logs: dict[str, object]) -> int | None:
    return profit_of(structs.replace(_receipt(10), logs=logs), EXECUTOR, TOKEN, OWNER)


def test_the_profit_is_what_the_token_says_the_owner_got() -> None:
    loan = [_transfer(LENDER, EXECUTOR, 1_000), _transfer(EXECUTOR, LENDER, 1_000)]
    assert _profit(*loan, _transfer(EXECUTOR, OWNER, 77), _told(77)) == 77
    own = [_transfer(OWNER, EXECUTOR, 1_000), _transfer(EXECUTOR, OWNER, 1_077)]
    assert _profit(*own, _told(77)) == 77
    assert _profit(_transfer(EXECUTOR, OWNER, 70), _told(77)) == 70  # the token took a fee
    assert _profit(_transfer(EXECUTOR, OWNER, 5, token=LENDER), _told(77)) == 77  # a token without logs


def test_a_receipt_without_the_trade_is_malformed_and_one_that_failed_has_no_profit() -> None:
    for logs in ([], [_told(1, token=LENDER)], [_told(1), _told(1)]):
        with pytest.raises(Malformed, match="expected one log"):
            _profit(*logs)
    failed = structs.replace(_receipt(10), is_success=False)
    assert profit_of(failed, EXECUTOR, TOKEN, OWNER) is None


def test_a_rollups_fee_for_data_and_operator_is_part_of_the_cost() -> None:
    said = {
        "transactionHash": "0x" + OURS.hex(),
        "blockNumber": "0xa",
        "blockHash": "0x" + bytes(32).hex(),
        "status": "0x1",
        "gasUsed": "0x1e8480",
        "effectiveGasPrice": "0x2",
        "l1Fee": "0x64",
        "operatorFeeScalar": "0x3",
        "operatorFeeConstant": "0x5",
        "logs": [],
    }
    receipt = read_receipt(said, "here")
    assert receipt.fee_wei == 2_000_000 * 2 + 100 + 2 * 3 + 5
    since_jovian = read_receipt(said | {"daFootprintGasScalar": "0x190"}, "here")
    assert since_jovian.fee_wei == 2_000_000 * 2 + 100 + 2_000_000 * 3 * 100 + 5
    with pytest.raises(Malformed, match="status"):
        read_receipt({name: value for name, value in said.items() if name != "status"}, "here")
