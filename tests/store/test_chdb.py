"""What the embedded store does with its folder: owners, upgrades, old tables."""

import asyncio
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.store.samples import START_NS, arbitrage, reorg, swap, trial
from typing_extensions import override

from tidemill.schema import ddl, derive
from tidemill.schema.events import EVENTS, ReorgKind
from tidemill.schema.faults import Refused, Unreachable
from tidemill.store import QueryLimits, StoreSettings, open_store, schemes
from tidemill.store.backends.chdb import ChdbStore
from tidemill.store.base import Condition, Page
from tidemill.store.chdb_library import Session
from tidemill.store.clickhouse import ClickHouseStore, write_stream
from tidemill.store.migrations import migrations
from tidemill.store.selecting import VALUES_MAX, page_query


def test_every_backend_file_is_a_scheme() -> None:
    assert "chdb" in schemes()


@pytest.mark.parametrize("url", ["", "duckdb://x", "chdb", "chdb://"])
def test_an_unknown_url_names_what_was_expected(url: str) -> None:
    with pytest.raises(Refused, match=r"store url: expected .*chdb://"):
        open_store(url)


def start(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


async def test_a_folder_that_another_process_owns_is_refused_with_advice(tmp_path: Path) -> None:
    script = """
import asyncio, sys
from tidemill.store import open_store
async def main():
    async with open_store(sys.argv[1]):
        print("open", flush=True)
        sys.stdin.read()
asyncio.run(main())
"""
    command = [sys.executable, "-c", script, f"chdb://{tmp_path}"]
    with start(command) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "open\n"
        with pytest.raises(
            Refused, match=f"store {tmp_path}: .*process {owner.pid} holds it; stop that process"
        ):
            await open_store(f"chdb://{tmp_path}").__aenter__()
        owner.communicate()
    async with open_store(f"chdb://{tmp_path}") as store:
        await store.migrate()


async def test_two_folders_in_one_process_are_refused_and_nothing_stays_locked(tmp_path: Path) -> None:
    async with open_store(f"chdb://{tmp_path / 'a'}"):
        with pytest.raises(Refused, match="has another store open"):
            await open_store(f"chdb://{tmp_path / 'b'}").__aenter__()
    async with open_store(f"chdb://{tmp_path / 'b'}") as store:
        await store.migrate()


async def test_migrating_twice_changes_nothing_and_is_recorded(tmp_path: Path) -> None:
    async with open_store(f"chdb://{tmp_path}") as store:
        assert await store.migrate() == [
            "create_event_tables",
            "let_a_pools_fee_be_unknown",
            "let_a_swap_name_no_one",
            "add statistics of arbitrage_transaction",
        ]
        assert await store.migrate() == []
        record = (
            await store.query(
                "SELECT version, name, checksum FROM schema_migration WHERE name NOT LIKE 'add %'"
                " ORDER BY version"
            )
        ).to_pylist()
        known = migrations(StoreSettings().deduplication_window)
        assert record == [
            {"version": one.version, "name": one.name, "checksum": one.checksum} for one in known
        ]


def older(folder: Path, *changes: str) -> None:
    """Make the tables as an older version would have left them."""
    session = Session(str(folder))
    for migration in migrations(1000):
        for statement in migration.statements:
            session.query(statement)
    for change in changes:
        session.query(change)
    session.close()


async def test_an_older_table_gains_its_optional_columns_and_keeps_its_rows(tmp_path: Path) -> None:
    without_tick = derive.to_batch([swap(1), swap(2)]).drop_columns(["tick"])
    older(
        tmp_path,
        "ALTER TABLE swap DROP COLUMN tick",
        "ALTER TABLE swap DROP COLUMN pool_hex",
        "DROP TABLE token",
    )
    async with open_store(f"chdb://{tmp_path}") as store:
        await store.migrate()
        recorded = "SELECT name FROM schema_migration WHERE name LIKE 'add%' ORDER BY applied_ns"
        made = (await store.query(recorded)).to_pylist()[:2]
        assert [row["name"] for row in made] == ["add column swap.tick", "add column swap.pool_hex"]
        await store.insert("swap", [without_tick], "a")
        await store.insert("swap", [derive.to_batch([swap(4)])], "b")
        rows = derive.to_rows("swap", await store.select("swap", 0, 1 << 62))
        assert [row["tick"] for row in rows] == [None, None, -4]
        assert {size.table for size in await store.stats()} == set(EVENTS)


async def test_swaps_of_a_table_that_had_to_name_its_sender_may_name_no_one(tmp_path: Path) -> None:
    older(
        tmp_path,
        *(
            f"ALTER TABLE swap {change}"
            for column in ("sender", "recipient")
            for change in (
                f"DROP COLUMN {column}_hex",
                f"DROP COLUMN {column}",
                f"ADD COLUMN {column} FixedString(20) AFTER dex",
                f"ADD COLUMN {column}_hex String ALIAS concat('0x', lower(hex({column})))",
            )
        ),
    )
    async with open_store(f"chdb://{tmp_path}") as store:
        await store.migrate()
        swaps = [swap(number, sender=None, recipient=None) for number in (1, 2)]
        await store.insert("swap", [derive.to_batch(swaps)], "a")
        rows = (await store.query("SELECT sender, sender_hex, recipient FROM swap")).to_pylist()
        assert rows == [{"sender": None, "sender_hex": None, "recipient": None}] * 2


async def test_a_transaction_is_found_by_its_index_in_parts_of_any_size(tmp_path: Path) -> None:
    table, wanted = "arbitrage_transaction", Condition("tx_hash", "=", "7")
    async with open_store(f"chdb://{tmp_path}") as store:
        assert isinstance(store, ClickHouseStore)
        await store.migrate()
        await store.insert(table, [derive.to_batch([arbitrage(1)])], "a")
        hashes = "* EXCEPT number REPLACE(toString(number) AS tx_hash)"
        await store._execute(f"INSERT INTO {table} SELECT {hashes} FROM {table}, numbers(20000) AS numbers")
        asked = Page(where=(wanted,), limit=10)
        query = page_query(table, asked, [])
        told = await store._ask(
            f"EXPLAIN projections = 1 {query.sql}", query.params, QueryLimits(), query.settings
        )
        # by default, of small parts, it only says which to read whole; of rows in order, nothing
        assert "will be applied during reading" in "\n".join(told.column("explain").to_pylist())
        page = await store.page(table, asked)
        assert page.column("tx_hash").to_pylist() == ["7"]
        assert (await store.page(table, Page(where=(wanted,), limit=10, end_ns=START_NS))).num_rows == 0


async def test_an_older_folder_is_packed_indexed_and_counted_as_it_is_opened(tmp_path: Path) -> None:
    table = "arbitrage_transaction"
    async with open_store(f"chdb://{tmp_path}") as store:
        assert isinstance(store, ClickHouseStore)
        await store.migrate()
        rows = [derive.to_batch([arbitrage(number) for number in range(40)])]
        await store.insert(table, rows, "a")
        for change in (
            f"ALTER TABLE {table} DROP PROJECTION by_profit",
            f"ALTER TABLE {table} DROP PROJECTION by_transaction",
            f"ALTER TABLE {table} ADD PROJECTION by_transaction (SELECT * ORDER BY tx_hash)",
            f"ALTER TABLE {table} MODIFY COLUMN event_ns REMOVE CODEC",
            f"ALTER TABLE {table} RESET SETTING min_bytes_for_wide_part",
            f"DROP TABLE {table}_statistics_feed",
            f"DROP TABLE {table}_statistics",
            "DELETE FROM schema_migration WHERE name LIKE 'add statistics%'",
            f"ALTER TABLE swap DROP INDEX {ddl.TIME_INDEX}",
        ):
            await store._execute(change)
    async with open_store(f"chdb://{tmp_path}") as store:
        done = await store.migrate()
        assert set(done) == {
            *(f"add {what} of {table}" for what in ("codecs", "indexes", "settings", "statistics")),
            "add indexes of swap",
        }
        assert await store.migrate() == []
        assert await store.insert(table, rows, "a") == 40
        # the new figures do not know the old token: the writer settles what it repeats
        await store.settle(table, START_NS, START_NS + 3_600 * 10**9)
        counted = await store.query(f"SELECT sum(transactions) AS n FROM {table}_daily")
        assert counted.to_pylist() == [{"n": 40}]
        made = await store._own("SELECT name, query FROM system.projections ORDER BY name")
        assert made.to_pylist() == [
            {"name": "by_profit", "query": "SELECT _part_offset ORDER BY chain_id, net_profit_native_wei"},
            {"name": "by_transaction", "query": "SELECT _part_offset ORDER BY tx_hash"},
        ]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("ALTER TABLE swap ADD COLUMN more UInt8", "swap.more: expected no such column"),
        ("ALTER TABLE swap MODIFY COLUMN tx_index UInt64", "swap.tx_index: expected UInt32, found UInt64"),
        ("ALTER TABLE swap DROP COLUMN amount0_in", "swap.amount0_in: expected every row to have it"),
        (
            "CREATE TABLE schema_migration (version UInt32, name String, checksum String,"
            " applied_ns DateTime64(9, 'UTC')) ENGINE = MergeTree ORDER BY version"
            " AS SELECT 7, 'later', '', now64(9)",
            "found 7; use a newer tidemill",
        ),
    ],
)
async def test_a_table_that_means_something_else_is_refused_by_column(
    tmp_path: Path, change: str, named: str
) -> None:
    older(tmp_path, change)
    async with open_store(f"chdb://{tmp_path}") as store:
        with pytest.raises(Refused, match=named):
            await store.migrate()


async def test_a_nearly_full_disk_refuses_inserts_before_they_begin(tmp_path: Path) -> None:
    rows = [derive.to_batch([swap(1)])]
    async with open_store(f"chdb://{tmp_path}", StoreSettings(free_min_bytes=1 << 62)) as store:
        await store.migrate()
        with pytest.raises(Unreachable, match=f"store {tmp_path}: expected .* bytes free on its disk"):
            await store.insert("swap", rows, "a")
        assert (await store.select("swap", 0, 1 << 62)).num_rows == 0
    async with open_store(f"chdb://{tmp_path}") as store:
        await store.insert("swap", rows, "a")
        assert (await store.select("swap", 0, 1 << 62)).num_rows == 1


async def test_as_many_values_as_are_allowed_fit_a_statement(tmp_path: Path) -> None:
    async with open_store(f"chdb://{tmp_path / 'store'}") as store:
        await store.migrate()
        await store.insert("swap", [derive.to_batch([swap(number) for number in range(9)])], "a")
        for column, values in (
            ("pool", [number.to_bytes(20, "big") for number in range(VALUES_MAX)]),
            ("recv_ns", range(START_NS, START_NS + VALUES_MAX)),  # what stands for a time is the longest
        ):
            many = Condition(column, "in", values)
            assert (await store.page("swap", Page(limit=99, where=(many,)))).num_rows == 9
            with pytest.raises(Refused, match=f"dex: expected up to {VALUES_MAX} values in one query"):
                await store.page("swap", Page(limit=99, where=(many, Condition("dex", "=", "uniswap"))))


async def test_an_answer_after_a_failed_query_is_its_own(tmp_path: Path) -> None:
    settings = StoreSettings(readers=1, limits=QueryLimits(rows_max=10))
    async with open_store(f"chdb://{tmp_path}", settings) as store:
        for _ in range(3):
            with pytest.raises(Refused):
                await store.query("SELECT number FROM numbers(1000)")
            assert (await store.query("SELECT 1 AS a")).to_pylist() == [{"a": 1}]


async def test_wide_columns_are_told_apart_whatever_they_are_called(tmp_path: Path) -> None:
    async with open_store(f"chdb://{tmp_path}") as store:
        text = r"SELECT toUInt256(7) AS `a\`b\\`, 1 AS n, toFixedString('x', 32) AS `t.a`, toInt256(-1) AS c"
        fields = (await store.query(text)).schema
        told = {field.name: (field.metadata or {}).get(b"clickhouse") for field in fields}
        assert told == {"a`b\\": b"UInt256", "n": None, "t.a": b"FixedString(32)", "c": b"Int256"}
        twice = (await store.query("SELECT toUInt256(7) AS a, * FROM (SELECT toUInt256(7) AS a)")).schema
        assert {field.metadata[b"clickhouse"] for field in twice} == {b"UInt256"}


async def test_a_reverted_block_is_left_out_though_who_told_of_it_was_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_writing, may_write = threading.Event(), threading.Event()

    def wait(_: int) -> None:
        is_writing.set()
        may_write.wait()

    async with open_store(f"chdb://{tmp_path / 'store'}") as store:
        assert isinstance(store, ChdbStore)
        await store.migrate()
        await store.insert("swap", [derive.to_batch([swap(0), swap(4)])], "a")
        monkeypatch.setattr(store, "_check_room", wait)
        reverted = [derive.to_batch([reorg(1, ReorgKind.REVERTED, 0)])]
        told = asyncio.create_task(store.insert("reorg", reverted, "b"))
        try:
            await asyncio.to_thread(is_writing.wait, 30)
            told.cancel()
            await asyncio.gather(told, return_exceptions=True)
            assert (await store.page("swap", Page(limit=10))).num_rows == 2
        finally:
            may_write.set()
        await store._write(lambda _: None)  # whatever was begun before it is written
        assert (await store.page("swap", Page(limit=10))).num_rows == 1


def test_rows_whose_time_is_of_their_identity_are_told_apart_without_pandas(tmp_path: Path) -> None:
    script = """
import asyncio, sys
class NoPandas:
    def find_spec(self, name, path=None, target=None):
        if name == "pandas":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, NoPandas())
import pyarrow as pa
from tidemill.store import open_store
async def main():
    rows = pa.ipc.open_stream(sys.argv[2]).read_all()
    async with open_store(sys.argv[1]) as store:
        await store.migrate()
        await store.insert("token_trial", rows.slice(0, 1), "a")
        print((await store.lacking("token_trial", rows)).equals(rows.slice(1)))
asyncio.run(main())
"""
    rows = tmp_path / "rows"
    with rows.open("wb") as file:
        write_stream(pa.Table.from_batches([derive.to_batch([trial(123), trial(124)])]), file)
    command = [sys.executable, "-c", script, f"chdb://{tmp_path / 'store'}", str(rows)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.stdout == "True\n", told.stderr


class _Reorging(ChdbStore):
    """Stores that a block is reverted after each question how far a page reaches, up to block `reverts`."""

    reverts = 0

    @override
    async def _ask(self, sql: str, *asked: Any, **told: Any) -> pa.Table:
        answer = await super()._ask(sql, *asked, **told)
        if "is_enough" in sql and self.reverts:
            number, self.reverts = self.reverts, 0
            gone = [derive.to_batch([reorg(number, ReorgKind.REVERTED, 1_000)])]
            await self.insert("reorg", gone, f"between {number}")
        return answer


async def test_a_page_is_full_though_a_reorg_comes_while_it_is_looked_for(tmp_path: Path) -> None:
    # so many that each query asks which they are
    others = [reorg(number, ReorgKind.REVERTED, number) for number in range(30, 100)]
    async with _Reorging(tmp_path, StoreSettings(final_blocks=2)) as store:

        async def found(page: Page) -> list[int]:
            rows = await store.page("swap", page)
            return [row["amount0_in"] for row in derive.to_rows("swap", rows)]

        await store.migrate()
        await store.insert("swap", [derive.to_batch([swap(number) for number in range(120)])], "a")
        await store.insert("reorg", [derive.to_batch(others)], "a")
        store.reverts = 29
        assert await found(Page(limit=6)) == [115, 114, 113, 112, 111, 110]
        store.reverts = 1
        assert await found(Page(limit=6, newest_first=False)) == [0, 1, 2, 3, 8, 9]
        store.reverts = 28
        newest = await store.select("swap", 0, 1 << 62, ["amount0_in"], newest=6)
        assert [row["amount0_in"] for row in derive.to_rows("swap", newest)] == [*range(106, 112)]
