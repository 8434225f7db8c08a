"""What the finder tells of a block: rows that follow from one another, and the pools it had to leave out."""

from collections.abc import Sequence
from typing import Any

import pytest
from tests.rust.made import (
    PAIR,
    POOL,
    TOKEN0,
    TOKEN1,
    V2_FACTORY,
    emitted,
    head,
    initialized,
    logs,
    minted,
    pair_created,
    pool_created,
    pool_set,
    synced,
)

from tidemill._rust import Head, PoolSet
from tidemill.process.opportunities import OpportunityFinder, SearchConfig, StableToken
from tidemill.process.token_natures import TokenNatures
from tidemill.schema import derive
from tidemill.schema.events import TokenNature, TokenTrial
from tidemill.schema.faults import Malformed, Refused

TOKEN2, FURTHER = b"\x03" * 20, b"\xcc" * 20


def finder(tokens: TokenNatures | None = None, **changes) -> OpportunityFinder:
    start = "0x" + TOKEN0.hex()
    return OpportunityFinder(SearchConfig(**{"start_tokens": (start,), **changes}), "made", 1, tokens)


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


def dollars(token: bytes, decimals: int) -> dict[str, Any]:
    """Return settings that take `token` for a dollar, with gas paid in the token that paths start with."""
    stable = StableToken(address="0x" + token.hex(), decimals=decimals)
    return {"gas_token": "0x" + TOKEN0.hex(), "stable_tokens": (stable,)}


def told_of_a_gap(pools: PoolSet | None = None, touched: Sequence[bytes] = (), **changes) -> dict[str, Any]:
    one = head(1)
    priced = Head(
        number=1,
        hash=one.hash,
        parent_hash=one.parent_hash,
        timestamp_s=one.timestamp_s,
        base_fee_wei=1,
        gas_used=1,
        gas_limit=2,
    )
    found = dict(finder(**changes).find(pools or a_gap(), [PAIR, POOL, *touched], priced, 7))
    [told] = derive.to_rows("opportunity", found["opportunity"])
    return told


def route(told: dict[str, Any]) -> list[Any]:
    return [told[f"usd_{what}_{step}"] for step in (1, 2) for what in ("pool", "token")]


def test_a_profit_is_told_in_dollars_with_the_deepest_pool_to_a_stable_token():
    told = told_of_a_gap(**dollars(TOKEN1, 6))
    assert route(told) == [POOL, TOKEN1, None, None], "its range is deeper than the pair's reserves"
    assert told["usd_per_unit"] == pytest.approx(1e-6), "the pool trades one for one"
    assert told["net_profit"] > 0
    assert told["net_profit_usd"] == told["net_profit"] * told["usd_per_unit"]


def test_a_token_two_steps_from_a_stable_one_is_told_with_both_pools():
    pools = a_gap()
    created = emitted(
        V2_FACTORY, "PairCreated(address,address,address,uint256)", [TOKEN1, TOKEN2], FURTHER, 2
    )
    apply(pools, 2, created, emitted(FURTHER, "Sync(uint112,uint112)", [], 10**18, 5 * 10**6))
    told = told_of_a_gap(pools, [FURTHER], **dollars(TOKEN2, 6))
    assert route(told) == [POOL, TOKEN1, FURTHER, TOKEN2]
    assert told["usd_per_unit"] == pytest.approx(5e-18), "one for one, then five dollars for 10^18"


def test_a_stable_token_is_worth_a_dollar_without_a_pool():
    told = told_of_a_gap(**dollars(TOKEN0, 2))
    assert (told["usd_per_unit"], route(told)) == (0.01, [None] * 4)
    assert told["net_profit_usd"] == told["net_profit"] * 0.01


@pytest.mark.parametrize("changes", [{}, dollars(b"\x09" * 20, 6)])
def test_nothing_is_told_in_dollars_where_no_pool_leads_to_them(changes: dict[str, Any]):
    told = told_of_a_gap(**{"gas_token": "0x" + TOKEN0.hex(), **changes})
    assert told["net_profit"] > 0
    assert (told["net_profit_usd"], told["usd_per_unit"], route(told)) == (None, None, [None] * 4)


def test_a_price_is_told_where_the_net_profit_is_not_known():
    told = told_of_a_gap(**{**dollars(TOKEN0, 2), "gas_token": None})
    assert (told["net_profit_usd"], told["usd_per_unit"]) == (None, 0.01)


def test_a_pool_that_cannot_be_priced_is_named_until_it_can():
    pools, search = a_gap(), finder()
    apply(pools, 2, synced(0, 0))
    assert search.find(pools, [PAIR, POOL], head(2), 7) == []
    assert list(search.unpriced) == [PAIR]
    apply(pools, 3, synced(10**18, 11 * 10**17))
    assert search.find(pools, [PAIR], head(3), 7)
    assert search.unpriced == {}


def tried(token: bytes, nature: TokenNature | None) -> TokenTrial:
    where = {"event_ns": 1, "recv_ns": 1, "source": "made", "chain_id": 1}
    return TokenTrial(**where, token=token, holder=PAIR, block_number=1, nature=nature)


def test_a_pool_waits_until_its_tokens_were_tried():
    pools, tokens = a_gap(), TokenNatures("made")
    search = finder(tokens=tokens)
    assert search.find(pools, [PAIR, POOL], head(1), 7) == []
    assert tokens.take_wanted() == {TOKEN0: PAIR, TOKEN1: PAIR}
    tokens.tell(tried(TOKEN0, TokenNature.ORDINARY))
    assert search.find(pools, [], head(1), 7) == []
    tokens.tell(tried(TOKEN1, None))
    assert search.find(pools, [], head(1), 7), "what could not be told of a token is not held against it"
    assert tokens.take_wanted() == {}
    assert search.unpriced == {}


@pytest.mark.parametrize("nature", [one for one in TokenNature if one is not TokenNature.ORDINARY])
def test_a_pool_of_an_odd_token_is_left_out_and_named_by_this_run_and_the_next(nature: TokenNature):
    pools, tokens = a_gap(), TokenNatures("made")
    tokens.tell(tried(TOKEN0, TokenNature.ORDINARY))
    tokens.tell(tried(TOKEN1, nature))
    later = TokenNatures("made")
    later.load({key: value for key, value in tokens.take_state().items() if value is not None})
    for known in (tokens, later):
        search = finder(tokens=known)
        assert search.find(pools, [PAIR, POOL], head(1), 7) == []
        assert set(search.unpriced) == {PAIR, POOL}
        assert f"token 0x{TOKEN1.hex()}: {nature.value}: " in search.unpriced[PAIR]
        assert known.take_wanted() == {}


def test_kept_natures_that_are_none_are_malformed():
    with pytest.raises(Malformed, match="expected a token's nature"):
        TokenNatures("made").load({b"token_nature/made/" + b"01" * 20: b"strange"})


def test_a_search_needs_a_token_to_start_with():
    with pytest.raises(Refused, match="start_tokens: expected at least one token"):
        finder(start_tokens=())
