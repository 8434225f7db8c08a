"""Whether the figures by minute and day are those of the canonical rows, once each, on every backend."""

from collections.abc import Iterable
from typing import Any

import pytest
from tests.store.samples import START_NS, arbitrage, block, reorg

from tidemill.schema import derive
from tidemill.schema.ddl import TIME_INDEX, Placement
from tidemill.schema.events import EVENTS, ReorgKind
from tidemill.schema.statistics import STATISTICS_SUFFIX, settling_sql, statistics_ddl
from tidemill.schema.storage import Measured, also_named, projections, statistics
from tidemill.store import Store

MakeStore = Any
PERIODS = {"minutely": "minute", "daily": "day"}
TAG = "arbitrage_transaction"
ONE_SERVER = Placement(10)
KEPT = sorted(tag for tag in EVENTS if statistics(EVENTS[tag]))


async def put(store: Store, numbers: Iterable[int], token: str) -> None:
    await store.insert(TAG, [derive.to_batch([arbitrage(number) for number in numbers])], token)


async def figures(store: Store, period: str = "minutely") -> list[tuple[Any, ...]]:
    """Return the figures of arbitrages that are no losing circles."""
    answer = await store.query(
        "SELECT transactions, valued, profitable, toString(net_profit_native_wei) AS net_wei, gas_used,"
        " valued_usd, net_profit_usd, net_profit_max_usd"
        f" FROM {TAG}_{period} WHERE kind = 'arbitrage' ORDER BY {PERIODS[period]}"
    )
    return [tuple(row.values()) for row in answer.to_pylist()]


def figures_of(*numbers: int) -> tuple[Any, ...]:
    """Return what the figures of these arbitrages are."""
    count, usd = len(numbers), [number * 2.5 for number in numbers]
    return (count, count, count, str(sum(numbers) * 10**18), count * 200_000, count, sum(usd), max(usd))


async def test_minutes_and_days_are_put_together_of_the_rows(make_store: MakeStore) -> None:
    async with make_store() as store:
        await store.migrate()
        await put(store, range(4), "a")
        await put(store, range(4, 6), "b")
        assert await figures(store) == [figures_of(1), figures_of(2), figures_of(4, 5)]
        assert await figures(store, "daily") == [figures_of(1, 2, 4, 5)]
        losing = "SELECT transactions, profitable, net_profit_max_usd"
        asked = f"{losing} FROM {TAG}_daily WHERE kind = 'losing_circle'"
        assert (await store.query(asked)).to_pylist() == [
            {"transactions": 2, "profitable": 0, "net_profit_max_usd": None}
        ]


async def test_a_repeated_insert_counts_once(make_store: MakeStore) -> None:
    async with make_store() as store:
        await store.migrate()
        for token in ["a", "b", "a", "b"]:
            await put(store, range(2) if token == "a" else range(2, 4), token)
    async with make_store() as store:  # and after a restart
        await put(store, range(2), "a")
        assert await figures(store) == [figures_of(1), figures_of(2)]


async def test_blocks_that_were_reverted_count_no_longer(make_store: MakeStore) -> None:
    async with make_store() as store:
        await store.migrate()
        await put(store, range(4), "a")
        await store.insert("block", [derive.to_batch([block(number) for number in range(2)])], "a")
        await store.insert("reorg", [derive.to_batch([reorg(1, ReorgKind.REVERTED, 0)])], "a")
        assert await figures(store, "daily") == [figures_of(1)]
        await store.insert("reorg", [derive.to_batch([reorg(1, ReorgKind.RESTORED, 1)])], "b")
        assert await figures(store, "daily") == [figures_of(1, 2)]


@pytest.mark.parametrize(
    "damage",
    [
        "TRUNCATE TABLE {}",
        "INSERT INTO {0} SELECT * FROM {0}",
        "INSERT INTO {0} SELECT * FROM {0} WHERE minute > (SELECT min(minute) FROM {0})",
    ],
    ids=["lost", "twice", "some twice"],
)
async def test_settling_makes_statistics_what_the_rows_say(make_store: MakeStore, damage: str) -> None:
    async with make_store() as store:
        await store.migrate()
        await put(store, range(6), "a")
        right = await figures(store)
        await store._execute(damage.format(TAG + STATISTICS_SUFFIX))
        assert await figures(store) != right
        for _ in range(2):
            await store.settle(TAG, START_NS, START_NS + 3_600 * 10**9)
            assert await figures(store) == right


async def test_settling_leaves_other_times_and_other_events_alone(make_store: MakeStore) -> None:
    async with make_store() as store:
        await store.migrate()
        await put(store, range(6), "a")
        await store._execute(f"TRUNCATE TABLE {TAG}{STATISTICS_SUFFIX}")
        await store.settle(TAG, START_NS, START_NS + 1)
        assert await figures(store) == [figures_of(1)]
        await store.settle("swap", 0, 1 << 62)


async def test_the_record_has_the_name_and_the_columns_that_its_readers_know(make_store: MakeStore) -> None:
    async with make_store() as store:
        await store.migrate()
        await put(store, [1], "a")
        asked = "SELECT tx_signature, slot, block_time = event_ns AS same FROM arbitrage.transactions"
        assert (await store.query(asked)).to_pylist() == [
            {"tx_signature": f"0x{1:064x}", "slot": 0, "same": 1}
        ]


@pytest.mark.parametrize(
    ("test", "index"),
    [("tx_hash = 'a'", "by_transaction"), ("chain_id = 1 AND net_profit_native_wei > 9", "by_profit")],
)
async def test_rows_are_found_by_their_indexes(make_store: MakeStore, test: str, index: str) -> None:
    async with make_store() as store:
        await store.migrate()
        await put(store, range(100), "a")
        told = await store.query(f"EXPLAIN projections = 1 SELECT * FROM {TAG}_canonical WHERE {test}")
        assert f"Name: {index}" in "\n".join(told.column("explain").to_pylist())


async def test_rows_of_a_time_are_found_by_the_index_of_times(make_store: MakeStore) -> None:
    async with make_store() as store:
        await store.migrate()
        await store.insert("block", [derive.to_batch([block(number) for number in range(1, 9)])], "a")
        told = await store.query("EXPLAIN indexes = 1 SELECT * FROM block_canonical WHERE event_ns < 5")
        assert f"Name: {TIME_INDEX}" in "\n".join(told.column("explain").to_pylist())


@pytest.mark.parametrize("tag", sorted(EVENTS))
def test_what_an_event_says_of_its_storage_is_of_its_columns(tag: str) -> None:
    names = {column.name for column in derive.columns(tag)}
    for projection in projections(EVENTS[tag]):
        assert set(projection.columns) <= names
    other = also_named(EVENTS[tag])
    assert other is None or set(other[1].values()) <= names
    kept = statistics(EVENTS[tag])
    if kept is None:
        assert settling_sql(tag, 0, 1) is None
    else:
        assert derive.has_block(tag)
        assert not derive.is_block_optional(tag)
        assert kept.measures[0].measured is Measured.ROWS
        assert set(kept.by) | {one.column for one in kept.measures if one.column} <= names


def test_some_event_has_statistics() -> None:
    assert KEPT == [TAG]
    assert "MATERIALIZED VIEW" in "".join(statistics_ddl(TAG, ONE_SERVER))
