"""Whether the statements for a cluster are ClickHouse's own, and make what one server has."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tidemill.app.operating.ddl import statements
from tidemill.schema import derive
from tidemill.schema.ddl import Placement
from tidemill.schema.events import EVENTS
from tidemill.store.chdb_library import Session

CLUSTER = Placement(1_000, "main", "events")


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    opened = Session(str(tmp_path))
    yield opened
    opened.close()


def test_every_statement_for_a_cluster_is_one_that_the_engine_reads(session: Session) -> None:
    kinds: set[str] = set()
    for statement in statements(CLUSTER, 64):
        tree = session.query(f"EXPLAIN AST {statement}", "TSVRaw").bytes().decode()
        assert tree.startswith("CreateQuery")
        kinds.update(re.findall(r"Function (\w*MergeTree|Distributed)", tree))
        assert " ON CLUSTER main" in statement
    assert kinds == {"ReplicatedMergeTree", "ReplicatedAggregatingMergeTree", "Distributed"}


def test_a_clusters_tables_and_views_run_on_one_server_that_stands_for_all(session: Session) -> None:
    for statement in statements(CLUSTER, 64):
        alone = re.sub(r"Replicated(\w*MergeTree)\([^)]*\)", r"\1", statement.replace(" ON CLUSTER main", ""))
        whole = re.fullmatch(r"CREATE TABLE IF NOT EXISTS (\w+) AS (\w+)\nENGINE = Distributed.*", alone)
        merged = (
            whole
            and f"CREATE TABLE {whole[1]} AS {whole[2]} ENGINE = Merge(currentDatabase(), '^{whole[2]}$')"
        )
        session.query(merged or alone)
    for tag in EVENTS:
        held = session.query(f"SELECT count() FROM {tag}_local", "TSV").bytes()
        assert held == session.query(f"SELECT count() FROM {tag}", "TSV").bytes() == b"0\n"
    session.query("SELECT * FROM arbitrage_transaction_daily")
    session.query("SELECT * FROM arbitrage.transactions")


@pytest.mark.parametrize("tag", sorted(EVENTS))
def test_rows_of_a_block_are_kept_together_and_all_rows_have_a_place(tag: str) -> None:
    made = "".join(statements(CLUSTER, 64))
    key = re.search(rf"Distributed\(main, events, {tag}_local, sipHash64\(([^)]+)\)\)", made)
    assert key is not None
    names = key[1].split(", ")
    optional = {column.name for column in derive.columns(tag) if column.is_optional}
    assert not optional & set(names)
    if derive.has_block(tag) and not derive.is_block_optional(tag):
        assert names == ["chain_id", "block_hash"]


def test_the_command_prints_what_a_client_can_run(cli: Callable[..., Any]) -> None:
    shown = cli("db", "ddl", "--cluster", "main", "--database", "events")
    assert shown.returncode == 0
    assert shown.stdout.split(";\n\n")[:-1] == list(statements(CLUSTER, 64))
    refused = cli("db", "ddl", "--cluster", "main'; DROP")
    assert refused.returncode == 1
    assert "expected a cluster named by letters" in refused.stderr
