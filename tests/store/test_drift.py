"""Whether what differs between a live table and the schema is told in full, and nothing else."""

import pytest

from tidemill.schema import ddl, derive
from tidemill.schema.faults import Refused
from tidemill.store.drift import Addition, LiveColumn, check_whole, indexings, repackings, resettings

TAG = "arbitrage_transaction"


def live(**codecs: str) -> list[LiveColumn]:
    return [
        LiveColumn(
            column.name,
            derive.clickhouse_type(column),
            "",
            codecs.get(column.name, f"CODEC({column.logical.codec})"),
        )
        for column in derive.columns(TAG)
    ]


def test_a_table_that_is_as_it_should_be_needs_nothing() -> None:
    assert repackings(TAG, live()) == []
    check_whole(TAG, [])


def test_only_columns_packed_otherwise_are_packed_anew() -> None:
    assert repackings(TAG, live(event_ns="", chain_id="CODEC(LZ4)")) == [
        f"ALTER TABLE {TAG} MODIFY COLUMN event_ns CODEC(Delta(8), ZSTD(1)),"
        " MODIFY COLUMN chain_id CODEC(Delta(8), ZSTD(1))"
    ]


def test_indexes_are_dropped_that_nobody_declares_and_made_where_they_lack() -> None:
    told = indexings(
        TAG,
        {"by_transaction": "SELECT _part_offset ORDER BY tx_hash", "old": "SELECT 1"},
        has_time_index=False,
    )
    assert told[0] == f"ALTER TABLE {TAG} DROP PROJECTION old"
    assert [statement.split()[3] for statement in told[1:]] == ["ADD", "MATERIALIZE"]
    assert all("by_profit" in statement for statement in told[1:])
    assert indexings("swap", {}, has_time_index=True) == []


def test_tables_in_another_order_than_that_of_time_get_an_index_of_times() -> None:
    told = indexings("swap", {}, has_time_index=False)
    assert [statement.split()[3] for statement in told] == ["ADD", "MATERIALIZE"]
    assert all(ddl.TIME_INDEX in statement for statement in told)


def test_a_table_gets_the_settings_that_it_lacks_alone() -> None:
    one, *others = ddl.kept_settings("swap")
    engine = f"MergeTree PARTITION BY toYYYYMM(event_ns) ORDER BY event_ns SETTINGS {one}"
    assert resettings("swap", engine) == [f"ALTER TABLE swap MODIFY SETTING {', '.join(others)}"]
    assert resettings("swap", ", ".join([engine, *others])) == []
    assert resettings(TAG, ", ".join([engine, *others])) == [
        f"ALTER TABLE {TAG} MODIFY SETTING min_compress_block_size = 16384"
    ]


def test_a_clusters_table_that_lacks_columns_is_refused_by_their_names() -> None:
    with pytest.raises(
        Refused, match="expected the cluster's table to have tick, fee; add them to swap_local"
    ):
        check_whole("swap", [Addition("tick", ""), Addition("fee", "")])
