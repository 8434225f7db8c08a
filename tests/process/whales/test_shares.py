"""Positions see what is split, merged and redeemed, of the right tokens, over reorgs too."""

import gzip
import json
from decimal import Decimal
from pathlib import Path

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st
from tests.process.whales.chain import ADAPTER, COLLATERAL, SHARES, Chain, bought
from tests.rust.orders import EXCHANGE, OTHER, TAKER, UNIT, filled_v2, head, logs_of, topics

from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.exchanges import exchanges_of
from tidemill.chains.evm.tracking import tracked_logs
from tidemill.process.whales.position_id import position_id
from tidemill.process.whales.sends import SEND_TOPICS
from tidemill.process.whales.shares import SHARE_TOPICS, ShareLogs

MARKETS = (
    Path(__file__).resolve().parents[4]
    / "shared/data/polymarket/updown_btc/BTC-5m-markets-2026-06-08.jsonl.gz"
)
USDC_E = bytes.fromhex("2791Bca1f2de4661ED88A30C99A7a9449Aa84174")
ADAPTER_SPLIT = topics("PositionSplit(address,bytes32,uint256)")[0]
CONDITION, TX = b"\xd7" * 32, b"\x77" * 32
YES, NO = (str(position_id(COLLATERAL, CONDITION, index)) for index in (1, 2))


def conditional(event, wallet, size, parent=bytes(32)):
    """Return a split or a merge of conditional tokens, of whole shares."""
    signature = f"{event}(address,address,bytes32,bytes32,uint256[],uint256)"
    data = encode(["address", "uint256[]", "uint256"], ["0x" + COLLATERAL.hex(), [1, 2], size * UNIT])
    return SHARES, topics(signature, wallet, parent, CONDITION), data


def redeemed(wallet, payout, index_sets=(1, 2)):
    signature = "PayoutRedemption(address,address,bytes32,bytes32,uint256[],uint256)"
    data = encode(["bytes32", "uint256[]", "uint256"], [CONDITION, list(index_sets), payout * UNIT])
    return SHARES, topics(signature, wallet, COLLATERAL, bytes(32)), data


def adapted(event, wallet, size):
    return (
        ADAPTER,
        topics(f"{event}(address,bytes32,uint256)", wallet, CONDITION),
        encode(["uint256"], [size * UNIT]),
    )


def adapter_redeemed(wallet, sizes, payout):
    data = encode(["uint256[]", "uint256"], [[size * UNIT for size in sizes], payout * UNIT])
    signature = "PayoutRedemption(address,bytes32,uint256[],uint256)"
    return ADAPTER, topics(signature, wallet, CONDITION), data


def buys(token, size, percent, wallet=TAKER):
    amount = size * percent * UNIT // 100
    return filled_v2(wallet, EXCHANGE, is_buy=True, size=size * UNIT, amount=amount, token=int(token))


def told(chain):
    """Return what was told of positions: token, change, size, average price, what was gained."""
    names = {YES: "yes", NO: "no"}
    return [
        (names[row["token_id"]], row["change"], row["size"], row["average_price"], row["realized_pnl"])
        for row in chain.of("whale_position")
    ]


def test_tokens_are_those_that_the_venue_lists_for_their_conditions():
    if not MARKETS.exists():
        pytest.skip(f"needs the recordings in {MARKETS}")
    markets = [json.loads(line) for line in gzip.open(MARKETS, "rt")]
    for market in markets:
        condition = bytes.fromhex(market["condition_id"][2:])
        assert [str(position_id(USDC_E, condition, index)) for index in (1, 2)] == market["token_ids"]
    assert len(markets) == 292


def test_a_split_opens_both_outcomes_at_half_the_price_and_a_merge_closes_them():
    chain = Chain()
    chain.block(conditional("PositionSplit", TAKER, 100))
    half = Decimal("0.5")
    assert told(chain) == [("yes", "opened", 100, half, None), ("no", "opened", 100, half, None)]
    assert chain.of("whale_position")[0]["market_id"] == "0x" + CONDITION.hex()
    chain.forget()
    chain.block(buys(YES, 100, 70))
    chain.block(conditional("PositionsMerge", TAKER, 100))
    assert told(chain) == [
        ("yes", "increased", 200, Decimal("0.6"), None),
        ("yes", "reduced", 100, Decimal("0.6"), -10),
        ("no", "closed", 0, None, 0),
    ]


def test_a_split_of_as_many_shares_as_there_can_be_is_followed():
    chain = Chain()
    chain.block(conditional("PositionSplit", TAKER, 10**18 - 1))
    half = Decimal("0.5")
    assert told(chain) == [(name, "opened", 10**18 - 1, half, None) for name in ("yes", "no")]


def test_a_redemption_pays_the_outcome_that_won_and_closes_the_other():
    chain = Chain()
    chain.block(buys(YES, 100, 40), buys(NO, 30, 50))
    chain.forget()
    chain.block(redeemed(TAKER, 100))
    assert told(chain) == [("yes", "closed", 0, None, 60), ("no", "closed", 0, None, -15)]


def test_of_one_outcome_alone_all_that_is_paid_is_its_own():
    chain = Chain()
    chain.block(buys(NO, 30, 50))
    chain.forget()
    chain.block(redeemed(TAKER, 0))
    assert told(chain) == [("no", "closed", 0, None, -15)]


def test_where_it_cannot_be_told_what_each_outcome_paid_nothing_is_made_up():
    chain = Chain()
    chain.block(buys(YES, 100, 40), buys(NO, 30, 50))
    chain.forget()
    chain.block(redeemed(TAKER, 65))  # half of each: the condition was settled as a draw
    assert told(chain) == [("yes", "closed", 0, None, None), ("no", "closed", 0, None, None)]


def test_what_the_adapter_does_for_a_wallet_is_the_wallet_s():
    chain = Chain()
    chain.block((TX, conditional("PositionSplit", ADAPTER, 50)), (TX, adapted("PositionSplit", TAKER, 50)))
    assert [row[:3] for row in told(chain)] == [("yes", "opened", 50), ("no", "opened", 50)]
    chain.forget()
    chain.block((TX, redeemed(ADAPTER, 20)), (TX, adapter_redeemed(TAKER, (20, 10), 20)))
    assert told(chain) == [
        ("yes", "reduced", 30, Decimal("0.5"), 10),
        ("no", "reduced", 40, Decimal("0.5"), -5),
    ]


def test_within_a_block_everything_counts_in_its_order():
    chain = Chain()
    sale = filled_v2(TAKER, EXCHANGE, is_buy=False, size=40 * UNIT, amount=30 * UNIT, token=int(YES))
    chain.block(conditional("PositionSplit", TAKER, 40), sale)
    rows = {row["token_id"]: row for row in chain.of("whale_position")}
    assert (rows[YES]["change"], rows[YES]["realized_pnl"], rows[YES]["unseen_size"]) == ("closed", 10, None)
    assert (rows[NO]["change"], rows[NO]["size"]) == ("opened", 40)


def test_wallets_that_nobody_watches_and_conditions_with_a_parent_are_left_alone():
    chain = Chain()
    chain.block(conditional("PositionSplit", OTHER, 100))
    chain.block(conditional("PositionSplit", TAKER, 100, parent=b"\x01" * 32))
    chain.block(redeemed(TAKER, 5))
    assert chain.of("whale_position") == []


def test_a_reorg_takes_a_split_back_and_a_restart_forgets_none():
    chain = Chain()
    chain.block(bought())
    chain.block(conditional("PositionSplit", TAKER, 100))
    chain.restart()
    chain.forget()
    chain.revert()
    assert [row[:3] for row in told(chain)] == [("yes", "restated", 0), ("no", "restated", 0)]
    chain.forget()
    chain.block(conditional("PositionSplit", TAKER, 10))
    assert [row[:3] for row in told(chain)] == [("yes", "opened", 10), ("no", "opened", 10)]


@given(
    topic=st.sampled_from(SHARE_TOPICS),
    address=st.sampled_from([SHARES, ADAPTER]),
    words=st.lists(st.sampled_from([0, 1, 2, 32, 64, 96, 2**255, 2**256 - 1]), max_size=8),
    odd=st.binary(max_size=31),
)
def test_any_data_gives_moves_or_faults_and_nothing_else(topic, address, words, odd):
    counted = 3 if address == ADAPTER and topic not in SEND_TOPICS else 4
    data = b"".join(word.to_bytes(32, "big") for word in words) + odd
    block = head(1)
    logs = logs_of(block, [(TX, (address, [topic, *[bytes(32)] * (counted - 1)], data))])
    moves, faults = ShareLogs(frozenset({SHARES}), frozenset({ADAPTER})).read(logs)
    assert len(moves) + len(faults) <= 1


def test_logs_with_other_topics_than_expected_are_faults():
    block = head(1)
    logs = logs_of(block, [(TX, (SHARES, [SHARE_TOPICS[0]], b"")), (TX, (ADAPTER, [ADAPTER_SPLIT], b""))])
    moves, faults = ShareLogs(frozenset({SHARES}), frozenset({ADAPTER})).read(logs)
    assert moves == []
    assert len(faults) == 2
    assert "expected what is done to shares" in str(faults[0])


def test_the_chain_is_asked_for_what_is_read_here():
    config = EvmConfig(source="polygon", chain_id=137, http_url="http://node", exchanges=("polymarket",))
    asked = tracked_logs(config, {})
    topics_asked = {bytes.fromhex(topic[2:]) for topic in asked["topics"][0]}
    assert set(SHARE_TOPICS) <= topics_asked
    contracts = exchanges_of(config)
    assert contracts.conditional_tokens
    assert contracts.share_adapters
    for address in contracts.conditional_tokens | contracts.share_adapters:
        assert "0x" + address.hex() in asked["address"]
