"""Whales are kept exactly, changed together or not at all, in both databases."""

import datetime as dt
import multiprocessing
from decimal import Decimal

import pytest
import sqlalchemy as sa

from tidemill.schema.faults import Malformed, Refused, Unknown, Unreachable
from tidemill.store.registry import (
    SEED,
    RegistrySettings,
    database_of,
    edit_of,
    open_registry,
    upgrade,
)

ONE = "0x1f2dd6d473f3e824cd2f8a89d9c69fb96f6ad0cf"
OTHER = "0x" + "ab" * 20
FULL = {
    "address": ONE,
    "pseudonym": "Löwe 🦁",
    "tier": "MEGA",
    "notes": "two\nlines, 'quoted'",
    "cluster_name": "north",
    "is_famous": True,
    "estimated_pnl": Decimal("-1234567.000000000000000001"),
    "primary_category": "politics",
    "win_rate": Decimal("65.5"),
    "total_volume": Decimal("123456789012345678901234567890"),
    "is_confirmed": True,
    "is_copying_enabled": True,
    "is_enabled": False,
}


def _execute(url, *statements):
    """Write as any other program may."""
    engine = database_of(url, RegistrySettings()).engine
    try:
        with engine.execution_options(is_writing=True).begin() as connection:
            for statement in statements:
                connection.execute(sa.text(statement))
    finally:
        engine.dispose()


def test_every_field_comes_back_to_the_last_digit(url):
    with open_registry(url) as registry:
        assert registry.put([edit_of(FULL)]) == (1, 0, 0)
        whale = registry.get(ONE)
    assert whale is not None
    assert {name: getattr(whale, name) for name in FULL} == FULL
    assert whale.created_at is not None
    assert abs(dt.datetime.now(dt.UTC) - whale.created_at) < dt.timedelta(minutes=5)


def test_an_edit_leaves_what_it_does_not_give(url):
    with open_registry(url) as registry:
        registry.put([edit_of(FULL)])
        assert registry.put([{"address": ONE, "tier": "MINOR", "notes": None}]) == (0, 1, 0)
        whale = registry.get(ONE)
    assert whale is not None
    kept = {**FULL, "tier": "MINOR", "notes": None}
    assert {name: getattr(whale, name) for name in kept} == kept


def test_what_changes_nothing_is_not_written(url):
    with open_registry(url) as registry:
        registry.put([edit_of(FULL)])
        before = registry.whales()
        assert registry.put([edit_of(FULL), {"address": OTHER}]) == (1, 0, 1)
        assert registry.put(SEED) == (0, 0, 1)
        assert registry.whales()[ONE] == before[ONE]


def test_a_switch_sets_all_or_none(url):
    with open_registry(url) as registry:
        registry.put([{"address": ONE}])
        with pytest.raises(Unknown, match=OTHER):
            registry.switch([ONE, OTHER], "is_copying_enabled", is_on=True)
        assert not registry.whales()[ONE].is_copying_enabled
        assert registry.switch([ONE.upper().replace("X", "x")], "is_copying_enabled", is_on=True) == 1
        assert registry.switch([ONE], "is_copying_enabled", is_on=True) == 0
        assert registry.whales()[ONE].is_copying_enabled


def test_edits_of_different_fields_are_written_together(url):
    addresses = [f"0x{number:040x}" for number in range(500)]
    edits = [{"address": a, **({"tier": "MEGA"} if n % 3 else {})} for n, a in enumerate(addresses)]
    with open_registry(url) as registry:
        assert registry.put(edits) == (500, 0, 0)
        found = registry.whales()
    assert {a: w.tier for a, w in found.items()} == {e["address"]: e.get("tier") for e in edits}


def test_the_source_documents_statement_enables_copying_and_notes_its_time(url):
    with open_registry(url) as registry:
        registry.put(SEED)
        _execute(url, "UPDATE whales SET updated_at = '2020-01-01 00:00:00'")
        _execute(url, f"UPDATE whales SET is_copying_enabled = true WHERE address = '{ONE}'")
        whale = registry.whales()[ONE]
    assert whale.is_copying_enabled
    assert whale.updated_at is not None
    assert whale.updated_at.year > 2020


@pytest.mark.parametrize(
    "statement",
    [
        f"INSERT INTO whales (address) VALUES ('{ONE.upper()}')",
        "INSERT INTO whales (address) VALUES ('0x12')",
        f"INSERT INTO whales (address, win_rate) VALUES ('{ONE}', '101')",
    ],
)
def test_the_database_itself_refuses_what_is_no_whale(url, statement):
    with pytest.raises(sa.exc.IntegrityError):
        _execute(url, statement)


def test_a_second_upgrade_changes_nothing(empty_url):
    database = database_of(empty_url, RegistrySettings())
    assert upgrade(database).before is None
    again = upgrade(database)
    assert again.before == again.after == "0003"


def _upgrade(url, barrier):
    database = database_of(url, RegistrySettings(timeout_ms=30_000))
    barrier.wait(30)
    upgrade(database)


def test_processes_that_upgrade_at_once_take_turns(empty_url):
    spawning = multiprocessing.get_context("spawn")
    barrier = spawning.Barrier(3)
    database = database_of(empty_url, RegistrySettings())
    if database.path is not None:
        database.path.parent.mkdir()
    started = [spawning.Process(target=_upgrade, args=(empty_url, barrier)) for _ in range(3)]
    for process in started:
        process.start()
    for process in started:
        process.join(60)
    assert [process.exitcode for process in started] == [0, 0, 0]


def test_a_registry_of_a_newer_version_is_left_alone(url):
    _execute(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Refused, match="9999"), open_registry(url):
        pass


def test_an_empty_postgresql_says_how_to_upgrade_it_and_stays_empty(server):
    empty = server.make_database("empty")
    with pytest.raises(Refused, match="tidemill db upgrade"), open_registry(empty):
        pass
    with pytest.raises(sa.exc.ProgrammingError):
        _execute(empty, "SELECT 1 FROM alembic_version")


def test_a_wrong_password_is_refused_and_never_shown(server):
    wrong = server.url("postgres", password="open-sesame")
    with pytest.raises(Refused, match="password authentication failed") as raised, open_registry(wrong):
        pass
    assert "open-sesame" not in str(raised.value)


def test_a_database_that_is_not_there_is_refused(server):
    with pytest.raises(Refused, match='"nowhere" does not exist'), open_registry(server.url("nowhere")):
        pass


def test_a_server_that_is_away_is_unreachable():
    with pytest.raises(Unreachable), open_registry("postgresql://trader:secret@127.0.0.1:1/x"):
        pass


@pytest.mark.parametrize("url", ["registry.db", "sqlite://", "mysql://u:pw@h/d", "postgresql://u:p%zz@h/d"])
def test_a_url_of_no_registry_is_refused_without_its_password(url):
    with pytest.raises(Refused, match="registry url: expected") as raised:
        database_of(url, RegistrySettings())
    assert "pw" not in str(raised.value)
    assert "zz" not in str(raised.value)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    file = tmp_path / "registry.db"
    file.write_bytes(b"not a database, " * 100)
    with pytest.raises(Refused, match="not a database"), open_registry(f"sqlite://{file}"):
        pass


def test_a_sqlite_file_that_another_holds_is_unreachable(tmp_path):
    url = f"sqlite://{tmp_path / 'registry.db'}"
    with open_registry(url, RegistrySettings(timeout_ms=100)) as registry:
        holding = registry.database.engine.execution_options(is_writing=True)
        with holding.begin(), pytest.raises(Unreachable, match="locked"):
            registry.put(SEED)


def test_a_number_that_is_none_is_malformed(tmp_path):
    url = f"sqlite://{tmp_path / 'registry.db'}"
    with open_registry(url) as registry:
        _execute(url, f"INSERT INTO whales (address, total_volume) VALUES ('{ONE}', 'much')")
        with pytest.raises(Malformed, match="'much'"):
            registry.whales()
