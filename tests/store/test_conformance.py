"""What every store backend must do alike."""

import asyncio
from typing import Any

import pyarrow as pa
import pytest
from tests.store.samples import START_NS, block, reorg, state, swap, wallet_trade

from tidemill.schema import derive
from tidemill.schema.events import EVENTS, ReorgKind
from tidemill.schema.faults import Refused
from tidemill.store import Page, Store
from tidemill.store.selecting import page_keys

MakeStore = Any
EXTREMES = [0, 1, 1 << 255, (1 << 256) - 1, 1 << 64, 0xFF << 248]


async def everything(store: Store, tag: str = "swap", **how: Any) -> list[dict[str, Any]]:
    return derive.to_rows(tag, await store.select(tag, 0, 1 << 62, **how))


async def test_256_bit_integers_come_back_exactly(make_store: MakeStore) -> None:
    stored = [
        swap(number, amount0_in=value, sqrt_price_x96=value, liquidity=value >> 128)
        for number, value in enumerate(EXTREMES)
    ]
    async with make_store() as store:
        await store.migrate()
        assert await store.insert("swap", [derive.to_batch(stored)], "a") == len(EXTREMES)
        table = await store.select("swap", 0, 1 << 62)
        assert table.schema == derive.arrow_schema("swap")
        assert table.combine_chunks().to_batches()[0] == derive.to_batch(stored)
        text = await store.query("SELECT toString(amount0_in) AS t, amount0_in FROM swap ORDER BY event_ns")
        assert text.column("t").to_pylist() == [str(value) for value in EXTREMES]
        assert text.schema.field("amount0_in").metadata == {b"clickhouse": b"UInt256"}


async def test_every_event_table_takes_nulls_and_says_so(make_store: MakeStore) -> None:
    async with make_store() as store:
        await store.migrate()
        await store.insert("swap", [derive.to_batch([swap(1)])], "a")
        await store.insert("block", [derive.to_batch([block(1)])], "a")
        assert (await everything(store))[0]["tick"] is None
        assert (await everything(store, "block"))[0]["base_fee_wei"] is None
        assert [size.table for size in await store.stats()] == sorted(EVENTS)
        assert {size.table: size.rows for size in await store.stats() if size.rows} == {"block": 1, "swap": 1}


async def test_the_same_token_stores_once_and_another_twice(make_store: MakeStore) -> None:
    rows = [derive.to_batch([swap(1), swap(2)])]
    async with make_store() as store:
        await store.migrate()
        for token, count in [("a", 2), ("a", 2), ("b", 4), ("a", 4)]:
            await store.insert("swap", rows, token)
            assert len(await everything(store)) == count
    async with make_store() as store:  # and after a restart
        await store.insert("swap", rows, "a")
        assert len(await everything(store)) == 4


async def test_one_token_covers_an_insert_over_many_months(make_store: MakeStore) -> None:
    month_ns = 31 * 86_400 * 10**9
    rows = [derive.to_batch([swap(number, event_ns=START_NS + number * month_ns) for number in range(150)])]
    async with make_store() as store:
        await store.migrate()
        await store.insert("swap", rows, "a")
        await store.insert("swap", rows, "a")
        assert len(await everything(store)) == 150


async def test_inserts_of_many_batches_are_one(make_store: MakeStore) -> None:
    async with make_store() as store:
        await store.migrate()
        batches = [derive.to_batch([swap(number)]) for number in range(50)]
        await store.insert("swap", pa.Table.from_batches(batches), "a")
        assert await store.insert("swap", batches[:0], "b") == 0
        assert [row["amount0_in"] for row in await everything(store)] == list(range(50))


async def test_a_range_has_its_start_and_not_its_end(make_store: MakeStore) -> None:
    async with make_store() as store:
        await store.migrate()
        await store.insert("swap", [derive.to_batch([swap(number) for number in range(10)])], "a")
        found = await store.select("swap", START_NS + 3, START_NS + 7, ["event_ns", "amount0_in"])
        assert found.schema.names == ["event_ns", "amount0_in"]
        assert [row["amount0_in"] for row in derive.to_rows("swap", found)] == [3, 4, 5, 6]
        assert (await store.select("swap", START_NS + 3, START_NS + 3)).num_rows == 0
        newest = await store.select("swap", 0, 1 << 62, ["amount0_in"], newest=3)
        assert [row["amount0_in"] for row in derive.to_rows("swap", newest)] == [7, 8, 9]


async def test_inserts_go_on_beside_a_long_query(make_store: MakeStore) -> None:
    async with make_store() as store:
        await store.migrate()
        async with asyncio.TaskGroup() as tasks:
            slow = tasks.create_task(store.query("SELECT sum(cityHash64(number)) FROM numbers(900000000)"))
            await store.insert("swap", [derive.to_batch([swap(1)])], "a")
            assert len(await everything(store)) == 1
            assert not slow.done()


async def test_rows_of_reverted_blocks_are_left_out_until_restored(make_store: MakeStore) -> None:
    async with make_store() as store:
        await store.migrate()
        await store.insert("swap", [derive.to_batch([swap(number) for number in range(12)])], "a")
        await store.insert("reorg", [derive.to_batch([reorg(1, ReorgKind.REVERTED, 0)])], "a")
        left = [0, 1, 2, 3, 8, 9, 10, 11]
        assert [row["amount0_in"] for row in await everything(store)] == left == await paged(store)
        assert len(await everything(store, finality="instant")) == 12
        await store.insert("reorg", [derive.to_batch([reorg(1, ReorgKind.RESTORED, 1)])], "b")
        assert len(await everything(store)) == 12 == len(await paged(store))


@pytest.mark.parametrize("count", [3, 80])
async def test_pages_leave_out_few_reverted_blocks_and_many(make_store: MakeStore, count: int) -> None:
    async with make_store() as store:
        await store.migrate()
        swaps = [swap(number) for number in range(4 * count)]
        await store.insert("swap", [derive.to_batch(swaps)], "a")
        assert len(await paged(store)) == 4 * count
        reverted = [reorg(number, ReorgKind.REVERTED, number) for number in range(1, count)]
        await store.insert("reorg", [derive.to_batch(reverted)], "a")
        assert await paged(store) == [0, 1, 2, 3]


async def paged(store: Store) -> list[int]:
    rows = await store.page("swap", Page(limit=1_000, newest_first=False))
    return [row["amount0_in"] for row in derive.to_rows("swap", rows)]


async def test_rows_that_are_not_there_are_told_by_their_identity(make_store: MakeStore) -> None:
    async with make_store() as store:
        await store.migrate()
        await store.insert("swap", [derive.to_batch([swap(number) for number in (1, 2, 5)])], "a")
        asked = derive.to_batch([swap(number) for number in range(8)])
        lacking = derive.to_rows("swap", await store.lacking("swap", [asked]))
        assert [row["amount0_in"] for row in lacking] == [0, 3, 4, 6, 7]
        assert (await store.lacking("swap", [asked.slice(1, 2)])).num_rows == 0
        last = derive.to_batch([swap(9, event_ns=(1 << 63) - 1), swap(10, event_ns=(1 << 63) - 1)])
        await store.insert("swap", [last.slice(0, 1)], "b")
        lacking = derive.to_rows("swap", await store.lacking("swap", [last]))
        assert [row["amount0_in"] for row in lacking] == [10], "of the last time that there can be"
        read = derive.to_batch([state(7), state(8)])
        await store.insert("pool_state", [read.slice(0, 1)], "a")
        lacking = derive.to_rows("pool_state", await store.lacking("pool_state", [read]))
        assert [row["pool"] for row in lacking] == [(8).to_bytes(20, "big")], "an absent part is one, too"


async def test_rows_are_final_that_are_deep_enough_and_canonical(make_store: MakeStore) -> None:
    async with make_store(final_blocks=2) as store:
        await store.migrate()
        await store.insert("swap", [derive.to_batch([swap(number) for number in range(16)])], "a")
        await store.insert("block", [derive.to_batch([block(number) for number in range(4)])], "a")
        assert [row["block_number"] for row in await everything(store, finality="finalized")] == [0] * 4 + [
            1
        ] * 4
        await store.insert("reorg", [derive.to_batch([reorg(3, ReorgKind.REVERTED, 0)])], "a")
        assert [row["block_number"] for row in await everything(store, finality="finalized")] == [0] * 4


async def test_rows_without_a_block_are_canonical_and_final_beside_those_that_may_be_reverted(
    make_store: MakeStore,
) -> None:
    told = [wallet_trade(9)]
    for number in range(4):
        of_block = {"chain_id": 31337, "block_number": number, "block_hash": number.to_bytes(32, "big")}
        told.append(wallet_trade(number, **of_block))
    async with make_store(final_blocks=2) as store:
        await store.migrate()
        await store.insert("wallet_trade", [derive.to_batch(told)], "a")
        await store.insert("block", [derive.to_batch([block(number) for number in range(4)])], "a")
        await store.insert("reorg", [derive.to_batch([reorg(0, ReorgKind.REVERTED, 0)])], "a")
        canonical = await everything(store, "wallet_trade")
        assert sorted(row["row"] for row in canonical) == [1, 2, 3, 9]
        final = await everything(store, "wallet_trade", finality="finalized")
        assert sorted(row["row"] for row in final) == [1, 9]


async def test_rows_that_do_not_fit_the_schema_are_refused_by_column(make_store: MakeStore) -> None:
    good = derive.to_batch([swap(1)])
    async with make_store() as store:
        await store.migrate()
        for wrong, named in [
            (good.append_column("more", pa.array([1])), "swap.more: expected no such column"),
            (good.drop_columns(["pool"]), "swap.pool: expected the column"),
            (good.set_column(0, "event_ns", pa.array([1])), "swap.event_ns: expected timestamp"),
            (
                good.set_column(3, pa.field("chain_id", pa.uint64()), pa.array([None], pa.uint64())),
                "swap.chain_id",
            ),
        ]:
            with pytest.raises(Refused, match=named):
                await store.insert("swap", [wrong], "a")
        await store.insert("swap", [good.drop_columns(["tick"]), good], "a")
        assert len(await everything(store)) == 2
        for token in ["", "it's", "a\\", "a\n"]:
            with pytest.raises(Refused, match="token"):
                await store.insert("swap", [good], token)


@pytest.mark.parametrize("newest_first", [True, False])
async def test_pages_hold_every_row_once_though_rows_come_in_front(
    make_store: MakeStore, newest_first: bool
) -> None:
    def swaps(first: int, last: int) -> list[pa.RecordBatch]:
        return [derive.to_batch([swap(number) for number in range(first, last)])]

    async with make_store() as store:
        await store.migrate()
        await store.insert("swap", swaps(20, 29), "first")
        seen: list[int] = []
        after = None
        for turn in range(5):
            table = await store.page("swap", Page(limit=2, newest_first=newest_first, after=after))
            rows = derive.to_rows("swap", table)
            seen += [row["amount0_in"] for row in rows]
            after = tuple(rows[-1][name] for name in page_keys("swap"))
            number = 50 + turn if newest_first else turn
            await store.insert("swap", swaps(number, number + 1), f"in front {turn}")
        assert seen == (list(range(28, 19, -1)) if newest_first else list(range(20, 29)))


@pytest.mark.parametrize("limit", [2, 7, 40])
@pytest.mark.parametrize("newest_first", [True, False])
async def test_pages_reach_rows_minutes_and_hours_away(
    make_store: MakeStore, newest_first: bool, limit: int
) -> None:
    minutes = [0, 1, 2, 3, 4, 200, 209, 400, 1_000, 1_001, 1_002, 1_003]
    times = [START_NS + minute * 60_000_000_000 for minute in minutes]
    rows = [swap(number, event_ns=ns) for number, ns in enumerate(times)]

    def wanted(start: int, end: int) -> list[int]:
        inside = [number for number, minute in enumerate(minutes) if start <= minute < end]
        return (inside[::-1] if newest_first else inside)[:limit]

    async def found(**asked: Any) -> list[int]:
        page = await store.page("swap", Page(limit=limit, newest_first=newest_first, **asked))
        return [row["amount0_in"] for row in derive.to_rows("swap", page)]

    async with make_store() as store:
        await store.migrate()
        await store.insert("swap", [derive.to_batch(rows)], "a")
        assert await found() == wanted(0, 2_000)
        for minute in (0, 3, 205, 1_001, 2_000):
            bound_ns = START_NS + minute * 60_000_000_000
            assert await found(start_ns=bound_ns) == wanted(minute, 2_000)
            assert await found(end_ns=bound_ns) == wanted(0, minute)
        for number in range(12):
            after = tuple(getattr(rows[number], name) for name in page_keys("swap"))
            beyond = (0, minutes[number]) if newest_first else (minutes[number] + 1, 2_000)
            assert await found(after=after) == wanted(*beyond)
        newest = await store.select("swap", 0, 1 << 62, ["amount0_in"], newest=limit)
        assert [row["amount0_in"] for row in derive.to_rows("swap", newest)] == [*range(12)][-limit:]
