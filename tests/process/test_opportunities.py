"""What the finder tells of a block: rows that follow from one another, and the pools it had to leave out."""

import pytest
from tests.rust.made import (
    PAIR,
    POOL,
    TOKEN0,
    head,
    initialized,
    logs,
    minted,
    pair_created,
    pool_created,
    pool_set,
    synced,
)

from tidemill._rust import PoolSet
from tidemill.process.opportunities import OpportunityFinder, SearchConfig
from tidemill.schema import derive
from tidemill.schema.faults import Refused


def finder(**changes) -> OpportunityFinder:
    start = "0x" + TOKEN0.hex()
    return OpportunityFinder(SearchConfig(**{"start_tokens": (start,), **changes}), "made", 1)


def apply(pools: PoolSet, number: int, *emitted) -> None:
    pools.apply([head(number)], logs((head(number), emitted)), [number])


def a_gap() -> PoolSet:
    pools = pool_set()
    created = (pair_created(), synced(10**18, 11 * 10**17), pool_created(), initialized())
    apply(pools, 1, *created, minted(-600, 600, 10**19))
    return pools


def test_an_opportunity_is_told_with_its_hops():
    found = dict(finder().find(a_gap(), [PAIR, POOL], head(1), 7))
    [told] = derive.to_rows("opportunity", found["opportunity"])
    hops = derive.to_rows("opportunity_hop", found["opportunity_hop"])
    assert (told["rank"], told["hop_count"], told["token"], told["recv_ns"]) == (1, 2, TOKEN0, 7)
    assert [hop["pool"] for hop in hops] == [PAIR, POOL]
    assert hops[0]["amount_in"] == told["amount_in"]
    assert hops[0]["amount_out"] == hops[1]["amount_in"]
    assert hops[1]["amount_out"] == told["amount_in"] + told["gross_profit"]
    assert told["net_profit"] is None, "no token is known to pay gas with"


def test_a_pool_that_cannot_be_priced_is_named_until_it_can():
    pools, search = a_gap(), finder()
    apply(pools, 2, synced(0, 0))
    assert search.find(pools, [PAIR, POOL], head(2), 7) == []
    assert list(search.unpriced) == [PAIR]
    apply(pools, 3, synced(10**18, 11 * 10**17))
    assert search.find(pools, [PAIR], head(3), 7)
    assert search.unpriced == {}


def test_a_search_needs_a_token_to_start_with():
    with pytest.raises(Refused, match="start_tokens: expected at least one token"):
        finder(start_tokens=())
