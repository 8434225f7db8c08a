"""Are books and trades those of the blocks, whatever of them the socket tells, twice, late or not at all."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill.sandbox.emulators.sei.chain import Chain, ChainOptions
from tidemill.sandbox.emulators.sei.contract import CONTRACT, MARKETS, Crowd
from tidemill.sandbox.emulators.sei.wire import Writer
from tidemill.schema.events import BookChange, BookSnapshot, BookStatus, Coverage, CoverageStatus, Side, Trade
from tidemill.schema.faults import Gap, Malformed, Unsafe
from tidemill.venues.sei.config import SeiInstrument
from tidemill.venues.sei.follower import SeiFollower
from tidemill.venues.sei.frames import ContractEvent, Encoding, Head, Listed, Tx, read_block
from tidemill.venues.sei.mapping import load_mapping
from tidemill.venues.sei.meaning import Reader
from tidemill.venues.sei.telling import Teller, Void

NETWORK = "atlantic-2"
WRITER = Writer(NETWORK, is_base64=True)
INSTRUMENTS = {
    market: SeiInstrument(source=market, contract=CONTRACT, market=market, first_height=1)
    for market in MARKETS
}


def follower_of(run_id="run", first_height=1):
    reader = Reader(load_mapping("limit_orders"), INSTRUMENTS)
    return SeiFollower(NETWORK, reader, dict.fromkeys(MARKETS, first_height), Teller("sei", run_id))


def blocks_of(chain, count):
    """Make blocks; return each as the follower has it."""
    made = [chain.make() for _ in range(count)]
    return [
        read_block(
            WRITER.block(one.height, one.time_ns, one.txs),
            WRITER.block_results(one.height, one.txs),
            Encoding.BASE64,
        )
        for one in made
    ]


class Books:
    """What a listener makes of what is told."""

    def __init__(self) -> None:
        self.books = {}
        self.trade_ids = []
        self.events = []

    def take(self, told):
        self.events += told
        for event in told:
            match event:
                case BookSnapshot():
                    self.books[event.instrument] = {}
                case BookChange() if event.instrument in self.books:
                    key = (event.side.value, int(event.price * 10**6))
                    self.books[event.instrument][key] = int(event.size * 10**6)
                case Void():
                    self.books.pop(event.instrument, None)
                case Trade():
                    self.trade_ids.append(event.trade_id)
                case _:
                    assert not isinstance(event, BookStatus)

    def levels(self):
        return {
            market: sorted([side, price, size] for (side, price), size in book.items() if size)
            for market, book in self.books.items()
        }


def live(follower, block, drops=()):
    """Tell a block as a socket does."""
    follower.hear(block.head, 1)
    for number, tx in enumerate(block.txs):
        if number not in drops:
            follower.hear(tx, 1)


def test_what_is_told_live_needs_no_second_telling():
    chain, follower, books = Chain(ChainOptions(genesis_ns=10**18)), follower_of(), Books()
    follower.begin(0)
    follower.connected(0, 1)
    for block in blocks_of(chain, 60):
        live(follower, block)
        books.take(follower.take())
        assert books.levels() == chain_levels(chain) or block.head.height < 60
        told = len(books.events)
        follower.prove([block], 2)
        books.take(follower.take())
        assert [type(event) for event in books.events[told:]] == [Coverage]
    assert books.levels() == chain_levels(chain)
    assert books.trade_ids == chain.contract.trade_ids
    assert not follower.faults


def chain_levels(chain):
    return {market: [list(level) for level in rows] for market, rows in chain.truth()["books"].items()}


STEP = st.tuples(
    st.sampled_from(["tell", "tell", "tell", "prove", "reconnect", "restart", "silence", "early"]),
    st.sets(st.integers(0, 6), max_size=3),
    st.randoms(use_true_random=False),
)


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(STEP, min_size=5, max_size=40), seed=st.integers(1, 50))
def test_whatever_the_socket_leaves_out_everything_is_there_once(steps, seed):
    chain = Chain(ChainOptions(genesis_ns=10**18, crowd=Crowd(seed=seed)))
    follower, books, made = follower_of(), Books(), []
    follower.begin(0)
    follower.connected(0, 1)
    runs, kept = 0, {}
    for action, drops, dice in steps:
        if action == "prove":
            wanted = follower.wanted(3)
            follower.prove([made[height - 1] for height in wanted], 2)
        elif action == "reconnect":
            follower.connected(len(made), 1)
        elif action == "restart":
            books.take(follower.take())
            runs = runs + 1
            kept |= follower.dump()
            follower = follower_of(f"run {runs}")
            follower.load(kept)
            follower.connected(len(made), 1)
            books.books.clear()
        else:
            (block,) = blocks_of(chain, 1)
            made.append(block)
            said = [block.head, *(tx for number, tx in enumerate(block.txs) if number not in drops)]
            if action == "early":
                dice.shuffle(said)
            for one in [] if action == "silence" else said:
                follower.hear(one, 1)
                follower.hear(one, 1)
        books.take(follower.take())
    if not made:
        return
    follower.connected(len(made), 1)
    while wanted := follower.wanted(5):
        follower.prove([made[height - 1] for height in wanted], 2)
    books.take(follower.take())
    assert books.levels() == chain_levels(chain)
    assert sorted(books.trade_ids, key=int) == chain.contract.trade_ids
    covered = [event for event in books.events if isinstance(event, Coverage)]
    assert sum(event.to_block - event.from_block + 1 for event in covered) == len(made)
    assert {event.status for event in covered} == {CoverageStatus.COMPLETE}
    sequences = [
        (event.connection, event.sequence) for event in books.events if isinstance(event, BookSnapshot)
    ]
    assert len(set(sequences)) == len(sequences)


def test_what_a_gateway_tells_without_blocks_is_told_as_it_comes_and_no_trade_twice():
    instruments = {"SEI/USDC": SeiInstrument(source="SEI/USDC", market="SEI/USDC")}
    follower = SeiFollower(
        NETWORK, Reader(load_mapping("flashmm"), instruments), {"SEI/USDC": None}, Teller("sei", "x")
    )
    book = (("bids", '[["0.042","1000"],["0.041","2000"]]'), ("asks", '[["0.043","1500"]]'))
    trade = (("price", "0.0425"), ("size", "500"), ("side", "buy"), ("trade_id", "t1"))
    books, stamp = Books(), ("timestamp", "2024-01-01T00:00:01Z")
    for kind, attributes in (
        ("OrderBookUpdate", (("sequence", "12345"), stamp, *book)),
        ("Trade", (stamp, *trade)),
        ("Trade", (stamp, *trade)),
        ("OrderBookUpdate", (("sequence", "12344"), stamp, ("bids", "[]"), ("asks", "[]"))),
        ("Trade", (stamp, *trade[:2], ("side", "up"), ("trade_id", "t2"))),
    ):
        event = ContractEvent(kind, (("market_id", "sei-usdc"), *attributes))
        follower.hear(Listed((event,)), 1_800_000_000 * 10**9)
        books.take(follower.take())
    assert books.levels() == {
        "SEI/USDC": [
            ["ask", 43_000, 1_500 * 10**6],
            ["bid", 41_000, 2_000 * 10**6],
            ["bid", 42_000, 1_000 * 10**6],
        ]
    }, "an older book changes nothing"
    (told,) = [event for event in books.events if isinstance(event, Trade)]
    assert (told.event_ns, told.taker_side) == (1_704_067_201 * 10**9, Side.BUY)
    faults = [str(fault) for fault in follower.faults]
    assert any("expected a new trade, found 't1' again" in fault for fault in faults)
    assert any("expected a side" in fault for fault in faults)


def test_blocks_of_another_network_are_unsafe():
    follower = follower_of()
    for what in (lambda head: follower.hear(head, 1), follower.check_network):
        with pytest.raises(Unsafe, match="expected blocks of network atlantic-2, found pacific-1"):
            what(Head(5, 10**18, "pacific-1"))


def test_a_block_out_of_its_turn_is_malformed():
    chain, follower = Chain(ChainOptions(genesis_ns=10**18)), follower_of()
    follower.begin(0)
    blocks = blocks_of(chain, 3)
    with pytest.raises(Malformed, match="expected the block after 1, found 3"):
        follower.prove([blocks[0], blocks[2]], 1)


def test_a_transaction_that_no_block_has_is_told_as_a_fault_and_its_orders_go():
    chain, follower, books = Chain(ChainOptions(genesis_ns=10**18)), follower_of(), Books()
    follower.begin(0)
    follower.connected(0, 1)
    (block,) = blocks_of(chain, 1)
    live(follower, block)
    invented = next(
        tx for tx in block.txs if any(("action", "place_order") in e.attributes for e in tx.events)
    )
    events = tuple(
        event._replace(
            attributes=tuple((key, "77" if key == "order_id" else value) for key, value in event.attributes)
        )
        for event in invented.events
    )
    follower.hear(Tx(1, 99, None, events), 1)
    books.take(follower.take())
    assert books.levels() != chain_levels(chain)
    follower.prove([block], 2)
    books.take(follower.take())
    assert books.levels() == chain_levels(chain)
    assert any(isinstance(fault, Gap) and "1 are not in it" in str(fault) for fault in follower.faults)


def test_what_was_kept_of_another_network_or_cannot_be_read_is_a_fault():
    follower = follower_of()
    follower.begin(0)
    other = SeiFollower(
        "pacific-1", Reader(load_mapping("limit_orders"), INSTRUMENTS), {}, Teller("sei", "x")
    )
    with pytest.raises(Unsafe, match="expected what was kept of network pacific-1"):
        other.load(follower.dump())
    with pytest.raises(Malformed):
        follower.load({"place": b"\xc1"})
    with pytest.raises(Malformed):
        follower.load({**follower.dump(), "books": msgspec.msgpack.encode({MARKETS[0]: [1, 2]})})
