"""What became of an opportunity is told once, and the same whatever reorgs and restarts came between."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from tests.rust.made import (
    OWNER,
    PAIR,
    TOKEN0,
    TOKEN1,
    V2_FACTORY,
    V3_FACTORY,
    Emitted,
    emitted,
    initialized,
    logs,
    minted,
    pair_created,
    pool_created,
    synced,
)

from tidemill._rust import Factory, Head
from tidemill.process.autopsy import AutopsyBook
from tidemill.process.opportunities import OpportunityFinder, SearchConfig
from tidemill.process.pools import PoolBook
from tidemill.schema import derive
from tidemill.schema.faults import Malformed

FURTHER = b"\xcc" * 20
FAIR = 10**18
PRICES = (FAIR, FAIR * 11 // 10, FAIR * 9 // 10, FAIR * 6 // 5)
"""Reserves of token 1 of a pair: with the first no circle pays."""
BLOCKS = 4
"""For how many each opportunity is followed."""


class Mined(Struct, frozen=True):
    """A block and its logs."""

    head: Head
    emissions: tuple[Emitted, ...]


def prices(number: int, pair: int, further: int) -> tuple[Emitted, ...]:
    """Return logs that set the reserves of both pairs; each block changes both, so that both are searched."""
    moved = emitted(FURTHER, "Sync(uint112,uint112)", [], FAIR + number, PRICES[further])
    return synced(FAIR + number, PRICES[pair]), moved


BEGIN = (
    pair_created(),
    emitted(V2_FACTORY, "PairCreated(address,address,address,uint256)", [TOKEN0, TOKEN1], FURTHER, 2),
    pool_created(),
    initialized(),
    minted(-600, 600, 10**19),
    *prices(0, 0, 0),
)


class Chain:
    """A chain that is searched, and what was told of it."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.state: dict[bytes, bytes] = {}
        self.canonical: list[Mined] = []
        self.reverted: list[Mined] = []
        self._mined = 0
        self._sequence = 0
        self.restart()
        self.seal(self._next(BEGIN))

    def restart(self) -> None:
        """Go on as a run does that found nothing but what was committed."""
        factories = [
            Factory(V2_FACTORY, "uniswap_v2", "uniswap", 9975, 10000),
            Factory(V3_FACTORY, "uniswap_v3", "uniswap"),
        ]
        self.book = PoolBook("made", 1, factories, 64)
        self.book.load((k, v) for k, v in self.state.items() if k.startswith(self.book.prefix))
        search = SearchConfig(start_tokens=("0x" + TOKEN0.hex(),), autopsy_blocks=BLOCKS)
        self.finder = OpportunityFinder(search, "made", 1)
        self.autopsy = AutopsyBook(self.finder, self.book.pools, blocks=BLOCKS, window_blocks=64)
        prefix = AutopsyBook.prefix_of("made")
        self.autopsy.load({k: v for k, v in self.state.items() if k.startswith(prefix)})

    def mine(self, pair: int, further: int) -> None:
        self.seal(self._next(prices(self._mined + 1, pair, further)))

    def seal(self, block: Mined) -> None:
        read = logs((block.head, block.emissions))
        self.book.seal([block.head], read, [block.head.number])
        self._commit_pools()
        self.autopsy.seal([block.head], read, [block.head.number])
        self._commit_told()
        self.canonical.append(block)
        found = self.finder.find(self.book.pools, self.book.pools.addresses(), block.head, block.head.number)
        self.autopsy.open(found, block.head)
        self._commit_told()

    def revert(self) -> None:
        block = self.canonical.pop()
        self.reverted.append(block)
        self._sequence += 1
        self.book.revert(block.head, block.head.number, self._sequence)
        self._commit_pools()
        self.autopsy.revert(block.head, block.head.number, self._sequence)
        self._commit_told()

    def restore(self) -> bool:
        """Take a reverted block again that goes on from the newest; say whether there is one."""
        tip = self.canonical[-1].head.hash
        block = next((one for one in self.reverted if one.head.parent_hash == tip), None)
        if block is None:
            return False
        self.reverted.remove(block)
        self.canonical.append(block)
        self.book.restore(block.head, logs((block.head, block.emissions)), block.head.number)
        self._commit_pools()
        self.autopsy.restore(block.head)
        self._commit_told()
        return True

    @property
    def fates(self) -> list[dict[str, Any]]:
        """Return what is told of canonical blocks."""
        hashes = {block.head.hash for block in self.canonical}
        return [row for row in self.rows if row["block_hash"] in hashes and row["cause"] != "reorged"]

    @property
    def followed(self) -> set[bytes]:
        """Return the opportunities that are kept as followed."""
        prefix = AutopsyBook.prefix_of("made") + b"case/"
        keys = [key for key in self.state if key.startswith(prefix)]
        return {bytes.fromhex(key.removeprefix(prefix).decode()) for key in keys}

    def _next(self, emissions: tuple[Emitted, ...]) -> Mined:
        self._mined += 1
        parent = self.canonical[-1].head if self.canonical else None
        number = 1 if parent is None else parent.number + 1
        head = Head(
            number=number,
            hash=self._mined.to_bytes(32, "big"),
            parent_hash=bytes(32) if parent is None else parent.hash,
            timestamp_s=1_700_000_000 + 12 * number,
            gas_used=1,
            gas_limit=2,
        )
        return Mined(head, emissions)

    def _commit_pools(self) -> None:
        self._keep(self.book.take().state)

    def _commit_told(self) -> None:
        batches, state = self.autopsy.take()
        self.rows += [row for topic, batch in batches for row in derive.to_rows(topic, batch)]
        self._keep(state)

    def _keep(self, state: dict[bytes, bytes | None]) -> None:
        for key, value in state.items():
            if value is None:
                self.state.pop(key, None)
            else:
                self.state[key] = value


def straight(blocks: Sequence[Mined]) -> Chain:
    """Return the chain that never had any other block."""
    chain = Chain()
    for block in blocks[1:]:
        chain.seal(block)
    return chain


levels = st.integers(0, len(PRICES) - 1)
mined = st.tuples(st.just("mine"), levels, levels)
actions = st.one_of(mined, mined, st.sampled_from([("revert",), ("restore",), ("restart",)]))


def act(chain: Chain, action: tuple[Any, ...]) -> None:
    match action:
        case ("mine", int(pair), int(further)):
            chain.mine(pair, further)
        case ("revert",) if len(chain.canonical) > 1:
            chain.revert()
        case ("restore",):
            chain.restore()
        case ("restart",):
            chain.restart()


def told(rows: list[dict[str, Any]]) -> Counter[tuple[tuple[str, Any], ...]]:
    return Counter(tuple(sorted(row.items())) for row in rows)


@settings(max_examples=200)
@given(st.lists(actions, max_size=40))
def test_whatever_reorgs_and_restarts_came_between_the_chain_that_is_left_has_its_own_autopsies(
    acts: list[tuple[Any, ...]],
):
    chain = Chain()
    for action in acts:
        act(chain, action)
    alone = straight(chain.canonical)
    assert told(chain.fates) == told(alone.fates)
    assert chain.followed == alone.followed


@settings(max_examples=200)
@given(st.lists(actions, max_size=40))
def test_an_opportunity_ends_once_and_is_followed_no_longer(acts: list[tuple[Any, ...]]):
    chain = Chain()
    for action in acts:
        act(chain, action)
        ended = Counter(row["opportunity"] for row in chain.fates)
        assert all(count == 1 for count in ended.values())
        assert not chain.followed & set(ended)
    identities = [(row["opportunity"], row["block_hash"], row["sequence"]) for row in chain.rows]
    assert len(set(identities)) == len(identities)
    for row in chain.fates:
        assert row["followed_blocks"] <= BLOCKS
        assert (row["died_block_number"] is None) == (row["cause"] == "outlived")


def test_a_block_taken_back_in_the_middle_of_a_case_gives_the_end_of_the_other_branch():
    chain = Chain()
    chain.mine(1, 0)
    chain.mine(0, 0)
    chain.revert()
    chain.mine(1, 0)
    chain.mine(0, 0)
    chain.mine(0, 0)
    [pair_first] = [
        row for row in chain.fates if row["born_block_number"] == 2 and row["cause"] != "outlived"
    ][:1]
    assert (pair_first["died_block_number"], pair_first["followed_blocks"]) == (4, 2)


def test_a_case_whose_birth_is_taken_back_is_told_as_reorged_and_goes_on_with_its_block():
    chain = Chain()
    chain.mine(1, 0)
    born = chain.followed
    assert born
    chain.revert()
    assert chain.followed == set()
    assert {row["opportunity"] for row in chain.rows if row["cause"] == "reorged"} == born
    assert chain.restore()
    assert chain.followed == born


def test_a_trade_that_closes_it_is_named():
    chain = Chain()
    chain.mine(1, 0)
    number = chain.canonical[-1].head.number + 1
    swap = emitted(
        PAIR, "Swap(address,uint256,uint256,uint256,uint256,address)", [OWNER, OWNER], 0, FAIR // 10, 1, 0
    )
    chain.seal(chain._next((*prices(number, 0, 0), swap)))
    chain.mine(0, 0)
    assert {row["cause"] for row in chain.fates} == {"closed_by_trade"}
    assert {row["taker_tx_hash"] for row in chain.fates} == {b"\xdd" * 32}
    counts = chain.autopsy.counts()
    assert (counts["ended"], counts["followed"]) == ({"closed_by_trade": len(chain.fates)}, 0)
    assert counts["half_life_blocks"] == 1


def test_what_still_pays_counts_for_the_half_life_that_is_told():
    chain = Chain()
    chain.mine(1, 0)
    assert chain.autopsy.counts()["half_life_blocks"] is None
    chain.mine(1, 0)
    chain.mine(0, 0)
    assert chain.autopsy.counts()["half_life_blocks"] == 2


def test_after_a_block_that_was_missed_what_became_of_it_is_not_known():
    chain = Chain()
    chain.mine(1, 0)
    chain.mine(1, 0)
    followed = chain.followed
    chain.canonical.append(chain._next(()))
    chain.mine(0, 0)
    rows = {row["opportunity"]: row for row in chain.rows}
    assert followed <= set(rows)
    for opportunity in followed:
        assert (rows[opportunity]["cause"], rows[opportunity]["died_block_number"]) == ("unknown", None)


def test_state_that_is_no_autopsy_is_malformed():
    chain = Chain()
    chain.state[AutopsyBook.prefix_of("made") + b"case/" + b"00" * 32] = b"{}"
    with pytest.raises(Malformed, match="expected an autopsy"):
        chain.restart()
