"""Is the emulated node's chain the same again, its books never crossed, its faults as asked for."""

import pytest

from tidemill.sandbox.emulators.sei.chain import Chain, ChainOptions
from tidemill.sandbox.emulators.sei.contract import MARKETS, Crowd
from tidemill.sandbox.emulators.sei.serving import SeiFaults, read_faults
from tidemill.schema.faults import Refused


def made(blocks, **crowd):
    chain = Chain(ChainOptions(genesis_ns=10**18, crowd=Crowd(**crowd)))
    return chain, [chain.make() for _ in range(blocks)]


def test_the_same_seed_makes_the_same_chain():
    (first, its_blocks), (second, blocks) = made(60), made(60)
    assert its_blocks == blocks
    assert first.truth() == second.truth()
    assert made(60, seed=2)[0].truth() != first.truth()


def test_books_trade_and_are_never_crossed():
    chain, _ = made(1)
    for _ in range(300):
        chain.make()
        for market in MARKETS:
            levels = chain.contract.levels(market)
            bids = [price for is_bid, price in levels if is_bid]
            asks = [price for is_bid, price in levels if not is_bid]
            assert not bids or not asks or max(bids) < min(asks)
            assert min(levels.values(), default=1) > 0
    assert len(chain.contract.trade_ids) > 300


def test_only_so_many_blocks_are_kept():
    chain = Chain(ChainOptions(genesis_ns=10**18, blocks_kept=10))
    for _ in range(25):
        chain.make()
    assert list(chain.blocks) == list(range(16, 26))
    assert chain.earliest == 16


def test_faults_are_those_that_were_named():
    assert read_faults("") == SeiFaults()
    assert read_faults("drop_percent=20,is_silent=true") == SeiFaults(drop_percent=20, is_silent=True)
    with pytest.raises(Refused, match="expected drop_percent, garbage_percent"):
        read_faults("drops=20")
