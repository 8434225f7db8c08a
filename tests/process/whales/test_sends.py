"""Positions see shares that are sent, and No shares that become Yes shares, each once."""

from decimal import Decimal

from eth_abi.abi import encode
from tests.process.whales.chain import ADAPTER, SHARES, Chain, bought, sold
from tests.rust.orders import EXCHANGE, MAKER, OTHER, TAKER, UNIT, topics

TX = b"\x66" * 32
BURNT = b"\xbb" * 20
NO_1, NO_2, YES_3, YES_4 = 11, 12, 23, 24
SINGLE = "TransferSingle(address,address,address,uint256,uint256)"
BATCH = "TransferBatch(address,address,address,uint256[],uint256[])"
CONVERTED = "PositionsConverted(address,bytes32,uint256,uint256)"


def sent(sender, receiver, token, size):
    data = encode(["uint256", "uint256"], [token, size * UNIT])
    return SHARES, topics(SINGLE, sender, sender, receiver), data


def sent_many(sender, receiver, tokens, size):
    data = encode(["uint256[]", "uint256[]"], [list(tokens), [size * UNIT] * len(tokens)])
    return SHARES, topics(BATCH, sender, sender, receiver), data


def converted(wallet, index_set, size):
    words = topics(CONVERTED, wallet, b"\x0d" * 32, index_set.to_bytes(32, "big"))
    return ADAPTER, words, encode(["uint256"], [size * UNIT])


def told(chain):
    """Return what was told of positions: wallet, token, change, size, average price, what was gained."""
    names = ("trader_address", "token_id", "change", "size", "average_price", "realized_pnl")
    rows = [tuple(row[name] for name in names) for row in chain.of("whale_position")]
    return [(wallet, int(token), *rest) for wallet, token, *rest in rows]


def test_shares_that_are_sent_away_leave_without_a_gain_that_is_known():
    chain = Chain()
    chain.block(bought(100, 40, token=NO_1))
    chain.forget()
    chain.block(sent(TAKER, OTHER, NO_1, 30))
    assert told(chain) == [(TAKER, NO_1, "reduced", 70, Decimal("0.4"), None)]


def test_between_wallets_that_are_watched_the_cost_goes_along():
    chain = Chain(watched=(TAKER, MAKER))
    chain.block(bought(100, 40, token=NO_1))
    chain.forget()
    chain.block(sent(TAKER, MAKER, NO_1, 100))
    assert told(chain) == [
        (TAKER, NO_1, "closed", 0, None, None),
        (MAKER, NO_1, "opened", 100, Decimal("0.4"), None),
    ]


def test_what_shares_from_elsewhere_cost_is_not_made_up():
    chain = Chain()
    chain.block(sent(OTHER, TAKER, NO_1, 50))
    chain.block(bought(50, 40, token=NO_1))
    assert [row[2:] for row in told(chain)] == [("opened", 50, None, None), ("increased", 100, None, None)]
    chain.forget()
    chain.restart()
    chain.block(sold(100, 60, token=NO_1))
    assert [row[2:] for row in told(chain)] == [("closed", 0, None, None)]
    chain.forget()
    chain.block(bought(10, 20, token=NO_1))
    assert [row[2:] for row in told(chain)] == [("opened", 10, Decimal("0.2"), None)]


def test_a_fill_s_own_transfers_count_once():
    chain = Chain()
    chain.block((TX, sent(EXCHANGE, TAKER, NO_1, 100)), (TX, bought(100, 40, token=NO_1)))
    assert [row[2:4] for row in told(chain)] == [("opened", 100)]


def test_what_is_minted_burnt_or_moved_by_the_adapter_is_told_by_others():
    chain = Chain()
    nobody = bytes(20)
    chain.block(sent(nobody, TAKER, NO_1, 5), sent(TAKER, nobody, NO_1, 5), sent(ADAPTER, TAKER, NO_1, 5))
    assert told(chain) == []


def test_one_no_becomes_yes_of_the_others_at_what_it_cost():
    chain = Chain()
    chain.block(bought(100, 60, token=NO_1))
    chain.forget()
    chain.block(
        (TX, sent_many(TAKER, BURNT, [NO_1], 100)),
        (TX, sent_many(ADAPTER, TAKER, [YES_3, YES_4], 100)),
        (TX, converted(TAKER, 0b0001, 100)),
    )
    third = Decimal("0.3")
    assert told(chain) == [
        (TAKER, NO_1, "closed", 0, None, 0),
        (TAKER, YES_3, "opened", 100, third, None),
        (TAKER, YES_4, "opened", 100, third, None),
    ]


def test_collateral_of_a_conversion_gives_back_the_cost_first():
    chain = Chain()
    chain.block(bought(100, 90, token=NO_1), bought(100, 40, token=NO_2))
    chain.forget()
    chain.block(
        (TX, sent_many(TAKER, BURNT, [NO_1, NO_2], 100)),
        (TX, sent_many(ADAPTER, TAKER, [YES_3], 99)),  # the market takes 1 %
        (TX, converted(TAKER, 0b0011, 100)),
    )
    prices = {token: (change, price, gained) for _, token, change, _, price, gained in told(chain)}
    left = (Decimal(130 - 99) / 99).quantize(Decimal(1).scaleb(-18), "ROUND_DOWN")
    assert prices == {
        NO_1: ("closed", None, 0),
        NO_2: ("closed", None, 0),
        YES_3: ("opened", left, None),
    }


def test_what_a_conversion_pays_beyond_the_cost_is_gained():
    chain = Chain()
    chain.block(bought(100, 40, token=NO_1), bought(100, 50, token=NO_2))
    chain.forget()
    chain.block(
        (TX, sent_many(TAKER, BURNT, [NO_1, NO_2], 100)),
        (TX, sent_many(ADAPTER, TAKER, [YES_3], 100)),
        (TX, converted(TAKER, 0b0011, 100)),
    )
    assert sum(row[-1] or 0 for row in told(chain)) == 10
    assert [row[1:5] for row in told(chain)][-1] == (YES_3, "opened", 100, 0)


def test_a_conversion_of_every_no_is_paid_what_is_not_told():
    chain = Chain()
    chain.block(bought(100, 40, token=NO_1), bought(100, 50, token=NO_2))
    chain.forget()
    chain.block((TX, sent_many(TAKER, BURNT, [NO_1, NO_2], 100)), (TX, converted(TAKER, 0b0011, 100)))
    assert [row[1:] for row in told(chain)] == [
        (NO_1, "closed", 0, None, None),
        (NO_2, "closed", 0, None, None),
    ]


def test_a_reorg_takes_a_conversion_back():
    chain = Chain()
    chain.block(bought(100, 60, token=NO_1))
    chain.block(
        (TX, sent_many(TAKER, BURNT, [NO_1], 100)),
        (TX, sent_many(ADAPTER, TAKER, [YES_3], 100)),
        (TX, converted(TAKER, 0b0001, 100)),
    )
    chain.forget()
    chain.revert()
    assert {row[1:4] for row in told(chain)} == {(NO_1, "restated", 100), (YES_3, "restated", 0)}
