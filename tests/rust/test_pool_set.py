"""Blocks move the pools exactly, and what was done can be undone and taken up again."""

import contextlib
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rust import made

from tidemill._rust import Changed, Factory, Head, Logs, PoolError, PoolSet, UniswapV2Pool, UniswapV3Pool
from tidemill.schema import derive
from tidemill.schema.faults import Malformed

BLOCKS: list[list[made.Emitted]] = [
    [made.pair_created(), made.synced(10**18, 2 * 10**18), made.pool_created()],
    [made.initialized(), made.minted(-600, 600, 10**18), made.minted(-60, 120, 5 * 10**17)],
    [],
    [made.pair_swapped((10**15, 0, 0, 1)), made.synced(10**18 + 10**15, 2 * 10**18 - 1)],
    [
        made.pool_swapped(10**14, -9 * 10**13, made.PRICE_ONE - 10**22, 15 * 10**17, -1),
        made.burned(-60, 120, 10**17),
    ],
]


def heads_and_logs(first: int = 0, last: int = len(BLOCKS)) -> tuple[list[Head], Logs]:
    heads = [made.head(number + 1) for number in range(first, last)]
    return heads, made.logs(*zip(heads, BLOCKS[first:last], strict=True))


def filled() -> PoolSet:
    pools = made.pool_set()
    heads, logs = heads_and_logs()
    pools.apply(heads, logs, [0] * len(heads))
    return pools


def state(pools: PoolSet) -> list[Any]:
    return [pools.get(address) for address in pools.addresses()]


def test_blocks_make_rows_with_the_schema_s_columns() -> None:
    pools = made.pool_set()
    heads, logs = heads_and_logs()
    applied = pools.apply(heads, logs, [10, 20, 30, 40, 50])
    batches = pools.take_batches()
    assert {topic: batch.num_rows for topic, batch in batches.items()} == {
        "block": 5,
        "pool": 2,
        "swap": 2,
        "liquidity_change": 3,
        "pool_state": 7,
    }
    for topic, batch in batches.items():
        assert batch.schema.equals(derive.arrow_schema(topic)), topic
        batch.validate(full=True)
    swaps = batches["swap"].to_pylist()
    assert [row["protocol"] for row in swaps] == ["uniswap_v2", "uniswap_v3"]
    assert [int.from_bytes(row["amount0_in"], "little") for row in swaps] == [10**15, 10**14]
    assert [int.from_bytes(row["amount1_out"], "little") for row in swaps] == [1, 9 * 10**13]
    assert [row["tick"] for row in swaps] == [None, -1]
    assert [row["recv_ns"].value for row in swaps] == [40, 50]
    assert [row["event_ns"].value for row in swaps] == [head.timestamp_s * 10**9 for head in heads[3:]]
    assert pools.take_batches() == {}
    assert applied.pools == [made.PAIR, made.POOL]
    assert applied.drift == []
    assert applied.malformed == []
    assert [(number, block_hash) for number, block_hash, _ in applied.undo] == [
        (h.number, h.hash) for h in heads
    ]


def test_pools_have_the_state_that_their_logs_tell() -> None:
    pools = filled()
    assert pools.addresses() == [made.PAIR, made.POOL]
    assert made.PAIR in pools
    assert made.OWNER not in pools
    assert pools.get(made.OWNER) is None
    pair, pool = pools.get(made.PAIR), pools.get(made.POOL)
    assert isinstance(pair, UniswapV2Pool)
    assert isinstance(pool, UniswapV3Pool)
    assert (pair.reserve0, pair.reserve1, pair.fee_ppm) == (10**18 + 10**15, 2 * 10**18 - 1, 2500)
    assert (pair.dex, pair.token0, pair.factory) == ("pancakeswap_v2", made.TOKEN0, made.V2_FACTORY)
    assert (pool.sqrt_price_x96, pool.tick) == (made.PRICE_ONE - 10**22, -1)
    assert pool.liquidity == 14 * 10**17
    assert pool.ticks == [
        (-600, 10**18, 10**18),
        (-60, 4 * 10**17, 4 * 10**17),
        (120, 4 * 10**17, -4 * 10**17),
        (600, 10**18, -(10**18)),
    ]
    assert (pool.fee_ppm, pool.tick_spacing, pool.is_complete) == (3000, 60, True)


@given(st.lists(st.integers(0, len(BLOCKS)), max_size=3), st.booleans())
def test_however_blocks_are_grouped_and_undone_the_state_is_the_same(cuts: list[int], emit: bool) -> None:
    pools = made.pool_set()
    states, undos = [state(pools)], list[bytes]()
    kept: dict[bytes, bytes] = {}
    edges = sorted({0, len(BLOCKS), *cuts})
    for first, last in pairwise(edges):
        heads, logs = heads_and_logs(first, last)
        applied = pools.apply(heads, logs, [0] * len(heads), emit)
        assert bool(pools.take_batches()) == (emit and len(heads) > 0)
        undos.extend(undo for _, _, undo in applied.undo)
        _keep(kept, pools.take_changed())
    for one in range(len(BLOCKS)):
        pools_until = made.pool_set()
        heads, logs = heads_and_logs(0, one + 1)
        pools_until.apply(heads, logs, [0] * len(heads))
        states.append(state(pools_until))
    assert sorted(kept.items()) == pools.records()
    loaded = made.pool_set()
    loaded.load(list(reversed(kept.items())))
    for undo in reversed(undos):
        assert state(pools) == state(loaded) == states.pop()
        assert pools.revert(undo) == loaded.revert(undo)
        _keep(kept, pools.take_changed())
    assert state(pools) == states.pop() == []
    assert kept == {}


def _keep(kept: dict[bytes, bytes], changed: Changed) -> None:
    for key, value in changed.records(b""):
        if value is None:
            kept.pop(key, None)
        else:
            kept[key] = value


def test_a_missed_mint_is_told_and_the_pool_quotes_nothing_until_it_is_read_anew() -> None:
    pools = filled()
    block = made.head(6)
    contradicted = made.logs((block, [made.pool_swapped(5, -4, made.PRICE_ONE - 10**22, 99, -1)]))
    applied = pools.apply([block], contradicted, [0])
    [drift] = applied.drift
    assert (drift.pool, drift.block_number, drift.log_index) == (made.POOL, 6, 0)
    assert (drift.expected, drift.found) == (14 * 10**17, 99)
    assert str(drift).endswith(f"block 6, log 0: expected liquidity {14 * 10**17}, found 99")
    pool = pools.get(made.POOL)
    assert isinstance(pool, UniswapV3Pool)
    assert (pool.liquidity, pool.is_complete) == (99, False)
    with pytest.raises(PoolError, match=r"^Incomplete: "):
        pool.amount_out(True, 1000)
    pools.insert(snapshot_v3())
    assert isinstance(reread := pools.get(made.POOL), UniswapV3Pool)
    assert reread.amount_out(True, 10**18) > 0


def snapshot_v3(**changed: Any) -> Any:
    about: dict[str, Any] = {
        "address": made.POOL,
        "protocol": "uniswap_v3",
        "dex": "uniswap_v3",
        "factory": made.V3_FACTORY,
        "token0": made.TOKEN0,
        "token1": made.TOKEN1,
        "block_number": 6,
        "block_hash": made.head(6).hash,
        "fee_ppm": 500,
        "sqrt_price_x96": made.PRICE_ONE,
        "tick": 0,
        "liquidity": 2**128 - 1,
        "tick_spacing": 10,
        "ticks": ((-10, 5, 5), (10, 2**128 - 1, -(2**127))),
    }
    return SimpleNamespace(**(about | changed))


def test_a_pool_that_was_read_is_followed_and_its_reading_can_be_undone() -> None:
    pools = made.pool_set()
    applied = pools.insert(snapshot_v3())
    assert pools.take_batches() == {}
    [(number, block_hash, undo)] = applied.undo
    assert (number, block_hash) == (6, made.head(6).hash)
    pool = pools.get(made.POOL)
    assert isinstance(pool, UniswapV3Pool)
    assert (pool.liquidity, pool.ticks) == (2**128 - 1, [(-10, 5, 5), (10, 2**128 - 1, -(2**127))])
    pools.revert(undo)
    assert len(pools) == 0


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"protocol": "curve"}, ValueError, "expected a protocol of uniswap_v2, .*, found curve"),
        ({"ticks": ((7, 1, 1),)}, Malformed, "snapshot: expected ticks in range"),
        ({"fee_ppm": 10**6}, Malformed, "snapshot: expected a fee below one"),
        ({"tick_spacing": 0}, Malformed, "snapshot: expected ticks in range"),
        ({"sqrt_price_x96": 2**256}, Malformed, r"snapshot's sqrt_price_x96: expected 0 <= integer < 2\^256"),
        ({"sqrt_price_x96": -1}, Malformed, r"snapshot's sqrt_price_x96: expected 0 <= integer < 2\^256"),
        ({"liquidity": 2**128}, Malformed, "snapshot's liquidity: "),
        ({"liquidity": None}, TypeError, "integer"),
        ({"token0": b"short"}, Malformed, "snapshot's token0: "),
    ],
)
def test_a_reading_that_cannot_be_is_refused(
    changed: dict[str, Any], error: type[Exception], message: str
) -> None:
    pools = made.pool_set()
    with pytest.raises(error, match=message):
        pools.insert(snapshot_v3(**changed))
    assert len(pools) == 0


def test_pools_that_were_read_are_told_and_one_that_cannot_be_is_left_out() -> None:
    pools = made.pool_set()
    times = {"block_timestamp_s": 1_700_000_006, "recv_ns": 7}
    good = snapshot_v3(**times)
    bad = snapshot_v3(address=made.PAIR, liquidity=2**128, **times)
    applied, [(address, problem)] = pools.read([bad, good], 3)
    assert address == made.PAIR
    assert problem.startswith("snapshot's liquidity: ")
    [(topic, rows)] = pools.take_batches().items()
    [row] = derive.to_rows(topic, rows)
    told = ("event_ns", "recv_ns", "pool", "cause", "sequence", "liquidity", "tick", "log_index")
    expected = (1_700_000_006 * 10**9, 7, made.POOL, "bootstrap", 3, 2**128 - 1, 0, None)
    assert tuple(row[name] for name in told) == expected
    [(number, block_hash, undo)] = applied.undo
    assert (number, block_hash) == (6, made.head(6).hash)
    changed = pools.take_changed()
    assert changed.pools() == [made.POOL]
    assert all(key.startswith(b"pool/" + made.POOL) for key, _ in changed.records(b"pool/"))
    assert len(pools.take_changed()) == 0
    assert pools.revert(undo) == [made.POOL]
    assert len(pools) == 0


def test_the_undo_of_a_block_and_of_what_was_read_after_it_is_one() -> None:
    pools = made.pool_set()
    *_, (_, block_hash, undo) = pools.apply(*heads_and_logs(0, len(BLOCKS)), [0] * len(BLOCKS)).undo
    before = made.pool_set()
    before.apply(*heads_and_logs(0, len(BLOCKS) - 1), [0] * (len(BLOCKS) - 1))
    times = {"block_hash": block_hash, "block_timestamp_s": 1_700_000_006, "recv_ns": 7}
    good = snapshot_v3(fee_ppm=3000, tick_spacing=60, ticks=((-60, 5, 5), (60, 5, -5)), **times)
    [(_, read_after, whole)] = pools.read([good], 0, undo)[0].undo
    assert read_after == block_hash
    pools.revert(whole)
    assert state(pools) == state(before)


def test_a_set_follows_what_changed_in_another() -> None:
    pools, other = made.pool_set(), made.pool_set()
    for number in range(len(BLOCKS)):
        pools.apply(*heads_and_logs(number, number + 1), [0])
        other.follow(pools.take_changed())
        assert state(other) == state(pools)


def test_pools_of_which_one_lacks_an_attribute_change_nothing() -> None:
    pools = made.pool_set()
    with pytest.raises(AttributeError, match="recv_ns"):
        pools.read([snapshot_v3(block_timestamp_s=1)], 0)
    assert len(pools) == 0


def test_a_log_that_is_not_what_it_claims_is_left_out_and_told() -> None:
    pools = filled()
    block = made.head(6)
    address, topics, data = made.synced(1, 2)
    applied = pools.apply([block], made.logs((block, [(address, topics, data[:-1]), made.synced(3, 4)])), [0])
    [told] = applied.malformed
    assert told == f"contract 0x{made.PAIR.hex()}, block 6, log 0: Sync: expected 64 bytes of data, found 63"
    assert isinstance(pair := pools.get(made.PAIR), UniswapV2Pool)
    assert (pair.reserve0, pair.reserve1) == (3, 4)


def test_logs_of_other_blocks_are_refused_and_nothing_changes() -> None:
    pools = filled()
    before = state(pools)
    block, other = made.head(6), made.head(7)
    with pytest.raises(Malformed, match="expected logs of the 1 heads only, found 1 others"):
        pools.apply([block], made.logs((block, [made.synced(1, 1)]), (other, [made.synced(2, 2)])), [0])
    renumbered = made.head(9)
    lying = Head(
        number=8,
        hash=renumbered.hash,
        parent_hash=block.hash,
        timestamp_s=1,
        gas_used=0,
        gas_limit=0,
    )
    with pytest.raises(Malformed, match="block 8: expected only its own logs, found log 0 of block 9"):
        pools.apply(
            [block, lying], made.logs((block, [made.synced(1, 1)]), (renumbered, [made.synced(2, 2)])), [0, 0]
        )
    assert state(pools) == before
    with pytest.raises(ValueError, match="expected a time for each of 1 heads, found 0"):
        pools.apply([block], Logs(), [])


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_records_that_are_none_are_malformed(key: bytes, value: bytes) -> None:
    pools = filled()
    for attempt in (lambda: pools.load([(key, value)]), lambda: pools.revert(value)):
        with contextlib.suppress(Malformed):
            attempt()
    state(pools)


@given(st.data())
def test_damaged_records_are_read_or_malformed_and_quotes_of_what_was_read_are_safe(
    data: st.DataObject,
) -> None:
    records = [list(record) for record in filled().records()]
    for _ in range(data.draw(st.integers(1, 4))):
        record = data.draw(st.sampled_from(records))
        part = data.draw(st.integers(0, 1))
        damaged = bytearray(record[part])
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
        record[part] = bytes(damaged)
    pools = made.pool_set()
    try:
        pools.load([(key, value) for key, value in records])
    except Malformed:
        return
    for pool in state(pools):
        for zero_for_one in (True, False):
            for amount in (1, 10**18, 2**255 - 1, 2**256 - 1):
                try:
                    pool.amount_out(zero_for_one, amount)
                    pool.amount_in(zero_for_one, amount)
                except PoolError:
                    continue


def test_a_factory_needs_a_protocol_we_know_and_a_fee_below_one() -> None:
    with pytest.raises(ValueError, match=r"expected a protocol of uniswap_v2, .*, found x"):
        Factory(made.V2_FACTORY, "x", "y")
    with pytest.raises(PoolError, match=r"^Fee: "):
        Factory(made.V2_FACTORY, "uniswap_v2", "y", 1001, 1000)
    with pytest.raises(ValueError, match="length"):
        Factory(b"short", "uniswap_v2", "y")
