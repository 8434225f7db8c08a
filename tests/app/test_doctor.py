"""Does the doctor say of each configured server whether it lets us in, and what to do where it does not."""

from tests.servers.databases import PASSWORD, postgresql, redis_server, victoria_metrics
from tests.servers.programs import free_port

from tidemill.app.control import serving
from tidemill.app.operating.doctor import _check, _owner
from tidemill.app.operating.doctor_servers import server_checks
from tidemill.app.settings import read_settings


async def nothing_asked(_):
    raise NotImplementedError


async def owned(folder, *waits):
    async def status():
        return {"ready": {"is_ready": not waits, "waits": list(waits)}}

    async with serving(folder, status, nothing_asked):
        return await _check("data folder", lambda: _owner(folder))


async def test_one_that_runs_and_has_not_caught_up_is_told_with_what_to_do(tmp_path):
    behind = {"part": "chain:eth", "found": "expected at most 5 blocks behind, found 9", "remedy": "wait"}
    found = await owned(tmp_path, behind)
    assert not found.is_ok
    assert found.detail.endswith("chain:eth: expected at most 5 blocks behind, found 9; wait")
    assert (await owned(tmp_path)).is_ok


async def checked(tmp_path, **variables):
    """Return each check's name with whether it is fine, and what it says."""
    environment = read_settings(None, tmp_path, variables)
    found = [await _check(name, look) for name, look in server_checks(environment)]
    return {one.name: (one.is_ok, one.detail) for one in found}


async def test_servers_that_let_us_in_are_fine(tmp_path):
    async with (
        redis_server("--requirepass", "right-password") as redis,
        victoria_metrics() as metrics,
        postgresql() as database,
    ):
        url = database.make_database("whales")
        found = await checked(
            tmp_path,
            REDIS_URL=f"redis://:right-password@127.0.0.1:{redis.port}/0",
            INFLUXDB_URL=f"http://127.0.0.1:{metrics.port}",
            DATABASE_URL=url,
        )
        assert found["redis"][0], found
        assert found["influxdb"][0], found
        assert not found["registry"][0]
        assert "run `tidemill db upgrade`" in found["registry"][1]
        wrong = await checked(
            tmp_path,
            REDIS_URL=f"redis://:wrong-password@127.0.0.1:{redis.port}/0",
            DATABASE_URL=url.replace(PASSWORD, "wrong-password"),
        )
        assert "correct redis.url (REDIS_URL)" in wrong["redis"][1]
        assert "password authentication failed" in wrong["registry"][1]
        assert not any(is_ok for is_ok, _ in wrong.values())
        assert "wrong-password" not in str(wrong)


async def test_servers_that_are_away_are_named(tmp_path):
    port = free_port()
    found = await checked(
        tmp_path,
        REDIS_URL=f"redis://127.0.0.1:{port}",
        INFLUXDB_URL=f"http://127.0.0.1:{port}",
        DATABASE_URL=f"postgresql://trader@127.0.0.1:{port}/whales",
    )
    assert found.keys() == {"redis", "influxdb", "registry"}
    for is_ok, detail in found.values():
        assert not is_ok
        assert detail.startswith("Unreachable: ")
        assert f"127.0.0.1:{port}" in detail or "connection" in detail


async def test_nothing_is_asked_and_nothing_made_where_no_server_is_named(tmp_path):
    found = await checked(tmp_path)
    assert found.keys() == {"registry"}
    assert found["registry"][0]
    assert not (tmp_path / "registry.db").exists()
