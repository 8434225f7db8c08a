"""What every store backend must answer, and refuse, who only reads: a store of nine swaps for all of them."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.store.samples import START_NS, state, swap, wallet_trade

from tidemill.schema import derive
from tidemill.schema.faults import Refused
from tidemill.store import Condition, Page, QueryLimits, Store
from tidemill.store.base import Operator
from tidemill.store.selecting import VALUES_MAX

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def filled(shared_store: Store) -> AsyncIterator[Store]:
    await shared_store.insert("swap", [derive.to_batch([swap(number) for number in range(9)])], "a")
    yield shared_store


async def everything(store: Store, **how: Any) -> list[dict[str, Any]]:
    return derive.to_rows("swap", await store.select("swap", 0, 1 << 62, **how))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Condition("pool", "=", (1).to_bytes(20, "big")), [1, 4, 7]),
        (Condition("amount0_in", ">", (1 << 200)), []),
        (Condition("amount0_in", ">=", 7), [7, 8]),
        (Condition("tick", "=", None), [1, 3, 5, 7]),
        (Condition("tick", "!=", None), [0, 2, 4, 6, 8]),
        (Condition("tick", "<", -5), [6, 8]),
        (Condition("liquidity", "=", 10**18), [0, 2, 4, 6, 8]),
        (Condition("amount1_out", "in", [2, 8, 99]), [1, 4]),
        (Condition("amount1_out", "in", []), []),
        (Condition("dex", "!=", "uniswap"), []),
        (Condition("dex", "=", "x' OR 1 --"), []),
        (Condition("dex", "=", "\\' OR 1=1 --\n\t\\N"), []),
        (Condition("recv_ns", "<=", START_NS + 6), [0, 1]),
    ],
)
async def test_conditions_restrict_the_rows(filled: Store, condition: Condition, expected: list[int]) -> None:
    assert [row["amount0_in"] for row in await everything(filled, where=[condition])] == expected


@given(text=st.text(max_size=20))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_text_is_bound_as_it_is(filled: Store, text: str) -> None:
    await filled.insert(
        "pool_state", [derive.to_batch([replace(state(1), dex=text)])], f"t{text.encode().hex()}"
    )
    found = await filled.select("pool_state", 0, 1 << 62, where=[Condition("dex", "=", text)])
    assert [row["dex"] for row in derive.to_rows("pool_state", found)] == [text]


async def test_a_number_with_more_digits_than_its_column_is_refused_and_not_cut(filled: Store) -> None:
    async def found(operator: Operator, value: str) -> int:
        prices = [Condition("price", operator, Decimal(value))]
        return (await filled.select("wallet_trade", 0, 1 << 62, where=prices)).num_rows

    await filled.insert("wallet_trade", [derive.to_batch([wallet_trade(1)])], "a")
    assert await found("=", "0.5" + "0" * 30) == 1
    assert await found(">", "0." + "4" * 18) == 1
    assert await found("<", "9" * 20) == 1
    assert await found(">", "-0E-40") == await found(">", "0E40") == 1
    for wrong in ("0.5" + "0" * 17 + "1", "0." + "4" * 19, "1e-19", "1" + "0" * 20, "-1e300"):
        with pytest.raises(Refused, match=r"price: expected up to 20 digits .* and 18 after it, found"):
            await found("<=", wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"columns": ["amount0_in, (SELECT 1)"]},
        {"columns": []},
        {"columns": ["pool_hex; DROP TABLE swap"]},
        {"where": ["1 = 1"]},
        {"where": "1 = 1 OR x"},
        {"where": [Condition("1 = 1 --", "=", 1)]},
        {"where": [Condition("tick", "= 1 OR 1 =", 1)]},  # pyright: ignore[reportArgumentType] what is tested
        {"where": [Condition("tick", "=", "1 OR 1")]},
        {"where": [Condition("tick", "=", 1 << 31)]},
        {"where": [Condition("amount0_in", "=", -1)]},
        {"where": [Condition("amount0_in", "=", 1 << 256)]},
        {"where": [Condition("pool", "=", "0x00")]},
        {"where": [Condition("pool", "=", b"short")]},
        {"where": [Condition("pool", "in", b"short")]},
        {"where": [Condition("dex", "=", 5)]},
        {"where": [Condition("tick", "<", None)]},
        {"where": [Condition("tx_index", "in", range(VALUES_MAX))]},
        {"newest": 0},
        {"newest": -1},
    ],
)
async def test_names_and_values_outside_the_schema_are_refused(filled: Store, wrong: Any) -> None:
    with pytest.raises(Refused, match="expected"):
        await filled.select("swap", 0, 1, **wrong)
    with pytest.raises(Refused, match="expected one of block, reorg"):
        await filled.select("swap; DROP TABLE swap", 0, 1)
    with pytest.raises(Refused, match="expected an integer"):
        await filled.select("swap", 0, 1 << 63)


@pytest.mark.parametrize("limit", [0, -1])
async def test_a_page_without_a_row_is_refused(filled: Store, limit: int) -> None:
    with pytest.raises(Refused, match=f"swap: expected a page of one row or more, found {limit}"):
        await filled.page("swap", Page(limit=limit))


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO swap (event_ns) VALUES (1)",
        "DROP TABLE swap",
        "TRUNCATE TABLE swap",
        "ALTER TABLE swap DELETE WHERE 1",
        "CREATE TABLE x (a UInt8) ENGINE = Memory",
        "CREATE TEMPORARY TABLE x (a UInt8)",
        "SELECT 1; DROP TABLE swap",
        "SELECT 1 INTO OUTFILE '/tmp/tidemill-must-not-exist'",
        "SELECT 1 /* */ INTO -- x\n OUTFILE '/tmp/tidemill-must-not-exist' FORMAT CSV",
        "EXPLAIN SELECT 1 INTO OUTFILE '/tmp/tidemill-must-not-exist'",
        "SELECT file('/etc/hostname')",
        "SELECT `file`('/etc/hostname')",
        "SELECT fIlE /**/ ('/etc/hostname')",
        "SELECT * FROM file('/etc/hostname', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'CSV')",
        "SELECT * FROM Python(store)",
        "SELECT * FROM system.users",
        "SELECT * FROM `system`.`users`",
        'SELECT * FROM swap, "system"."processes"',
        "SELECT * FROM `INFORMATION_SCHEMA`.`schemata`",
        "SELECT * FROM swap AS a, `url`('http://127.0.0.1:1/', 'CSV') AS b",
        "SHOW PROCESSLIST",
        "SELECT 1 FORMAT CSV",
        "SELECT 1 SETTINGS max_execution_time = 0",
        "SELECT * FROM swap SETTINGS readonly = 0",
        "SET readonly = 0",
        "USE system",
        "KILL QUERY WHERE 1",
        "SYSTEM SHUTDOWN",
        "BACKUP TABLE swap TO File('/tmp/tidemill-must-not-exist')",
        "EXECUTE AS default SELECT 1",
        "ATTACH TABLE x",
        "DETACH TABLE swap",
        "nonsense",
        "SELECT 'open",
        "SELECT nothing FROM nowhere",
        "",
        ";",
        "\0",
        "SELECT throwIf(1)",
        "SELECT {x:String}",
    ],
)
async def test_a_statement_that_does_more_than_read_is_refused(filled: Store, sql: str) -> None:
    with pytest.raises(Refused, match=r"^(sql|store)") as told:
        await filled.query(sql)
    assert "\n" not in str(told.value)
    assert (await filled.query("SELECT count() AS n FROM swap")).column("n").to_pylist() == [9]


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT 1 AS a, 'INTO OUTFILE file(' AS b;", ["a", "b"]),
        ("WITH 1 AS x SELECT x -- into outfile", ["x"]),
        ("SELECT 'it''s \\\\ \\'' AS q, '\t\n' AS r", ["q", "r"]),
        ("SHOW TABLES", ["name"]),
        ("EXPLAIN SELECT 1", ["explain"]),
        ("EXISTS TABLE swap", ["result"]),
        ("SELECT pool_hex FROM swap", ["pool_hex"]),
        ("(SELECT 1 AS a) UNION ALL (SELECT 2)", ["a"]),
    ],
)
async def test_a_statement_that_reads_is_answered(filled: Store, sql: str, names: list[str]) -> None:
    assert (await filled.query(sql)).schema.names == names


async def test_quotes_and_controls_in_a_query_arrive_as_they_are(filled: Store) -> None:
    answer = await filled.query("SELECT 'it''s \\\\ \\'' AS q, '\t\n\\n' AS r")
    assert answer.to_pylist() == [{"q": "it's \\ '", "r": "\t\n\n"}]


@pytest.mark.parametrize(
    ("sql", "limits"),
    [
        ("SELECT sum(cityHash64(number)) FROM numbers(1000000000000)", QueryLimits(time_max_ms=100)),
        ("SELECT number FROM numbers(1000)", QueryLimits(rows_max=10)),
        ("SELECT repeat('x', number) FROM numbers(1000)", QueryLimits(result_max_bytes=10_000)),
        ("SELECT groupArray(number) FROM numbers(100000000)", QueryLimits(memory_max_bytes=50_000_000)),
    ],
)
async def test_a_query_past_its_limits_is_refused(filled: Store, sql: str, limits: QueryLimits) -> None:
    with pytest.raises(Refused, match=r"(?i)exceeded"):
        await filled.query(sql, limits=limits)
    assert (await filled.query("SELECT 1 AS a", limits=limits)).to_pylist() == [{"a": 1}]
