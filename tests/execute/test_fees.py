import pytest
from eth_abi import encode
from hypothesis import given
from hypothesis import strategies as st

from tidemill.chains.evm.base_fee import next_base_fee_wei
from tidemill.execute.account.fees import FeePolicy, offer, replacement, tip_of
from tidemill.execute.account.l2_fees import Priced, data_fee_wei, data_gas, questions
from tidemill.execute.account.transaction import Fees
from tidemill.execute.chain_facts import FeeRule
from tidemill.schema.faults import Malformed, Refused

GWEI = 10**9
POLICY = FeePolicy()
WEI = st.integers(0, 200 * GWEI)


@pytest.mark.parametrize(
    ("rewards", "suggested", "tip"),
    [
        ([[1], [5], [3]], 9, 3),
        ([[0], [0], [4]], 9, 4),  # blocks without transactions tell 0
        ([[0], [0]], 9, 9),
        (None, 9, 9),  # some chains tell no rewards
        ([None, [None], []], 9, 9),
        ([], None, None),
    ],
)
def test_the_tip_is_the_middle_of_what_blocks_paid(
    rewards: list[list[int | None] | None] | None, suggested: int | None, tip: int | None
) -> None:
    assert tip_of(rewards, suggested) == tip


@given(base_fee_wei=WEI, tip_wei=st.none() | WEI)
def test_an_offer_covers_the_full_blocks_ahead_and_keeps_to_the_limits(
    base_fee_wei: int, tip_wei: int | None
) -> None:
    fees = offer(base_fee_wei, tip_wei, POLICY, FeeRule.EIP1559)
    later = base_fee_wei
    for _ in range(POLICY.full_blocks_ahead):
        later = next_base_fee_wei(later, 30_000_000, 30_000_000)
    assert fees.max_fee_wei == min(later + fees.max_tip_wei, POLICY.fee_max_wei)
    assert POLICY.tip_min_wei <= fees.max_tip_wei <= min(POLICY.tip_max_wei, fees.max_fee_wei)
    assert fees.max_fee_wei >= base_fee_wei + fees.max_tip_wei


def test_what_would_cost_more_than_is_allowed_is_refused() -> None:
    with pytest.raises(Refused, match="the next block takes 499000000000"):
        offer(499 * GWEI, 2 * GWEI, POLICY, FeeRule.EIP1559)


def test_arbitrum_is_offered_no_tip_and_a_chains_least_tip_is_kept() -> None:
    assert offer(GWEI, 5 * GWEI, POLICY, FeeRule.ARBITRUM).max_tip_wei == 0
    polygon = FeePolicy(tip_min_wei=25 * GWEI)
    assert offer(GWEI, GWEI, polygon, FeeRule.EIP1559).max_tip_wei == 25 * GWEI


@given(fee_wei=WEI, tip_wei=WEI)
def test_a_replacement_offers_at_least_an_eighth_more_of_both(fee_wei: int, tip_wei: int) -> None:
    before = Fees(max(fee_wei, tip_wei), tip_wei)
    after = replacement(before, Fees(0, 0), POLICY)
    for old, new in ((before.max_fee_wei, after.max_fee_wei), (before.max_tip_wei, after.max_tip_wei)):
        assert new * 8 >= old * 9
        assert new > old
    assert after.max_tip_wei <= after.max_fee_wei


def test_a_replacement_above_the_limit_is_refused_and_one_takes_what_the_next_block_wants() -> None:
    with pytest.raises(Refused, match="a replacement needs"):
        replacement(Fees(490 * GWEI, GWEI), Fees(0, 0), POLICY)
    assert replacement(Fees(8, 8), Fees(100, 50), POLICY) == Fees(100, 50)


def test_a_forecast_makes_room_within_the_limit_and_never_takes_any() -> None:
    plain = offer(10 * GWEI, GWEI, POLICY, FeeRule.EIP1559)
    wide = offer(10 * GWEI, GWEI, POLICY, FeeRule.EIP1559, 40 * GWEI)
    assert (wide.max_fee_wei, wide.max_tip_wei) == (41 * GWEI, plain.max_tip_wei)
    assert offer(10 * GWEI, GWEI, POLICY, FeeRule.EIP1559, GWEI) == plain
    assert offer(10 * GWEI, GWEI, POLICY, FeeRule.EIP1559, 10**12).max_fee_wei == POLICY.fee_max_wei


def test_an_op_stack_chain_takes_its_data_and_its_operator() -> None:
    asked = questions(FeeRule.OP_STACK, Priced(bytes(20), bytes(20), b"\x01" * 300, 400_000))
    assert [question[1][0]["data"][:10] for question in asked] == ["0x49948e0e", "0x275aedd2"]
    word = ["0x" + encode(["uint256"], [value]).hex() for value in (70, 5)]
    assert data_fee_wei(FeeRule.OP_STACK, word) == 75
    assert data_fee_wei(FeeRule.OP_STACK, [word[0], None]) == 70  # from before Isthmus
    with pytest.raises(Malformed):
        data_fee_wei(FeeRule.OP_STACK, [None, word[1]])  # never taken for nothing


def test_arbitrum_takes_its_data_in_gas() -> None:
    [asked] = questions(FeeRule.ARBITRUM, Priced(b"\x01" * 20, b"\x02" * 20, b"data", 400_000))
    assert asked[1][0]["to"] == "0x00000000000000000000000000000000000000c8"
    told = "0x" + encode(["uint64", "uint64", "uint256", "uint256"], [900, 250, 1, 2]).hex()
    assert (data_gas(FeeRule.ARBITRUM, [told]), data_fee_wei(FeeRule.ARBITRUM, [told])) == (250, 0)
    assert questions(FeeRule.EIP1559, Priced(bytes(20), bytes(20), b"", 1)) == []
