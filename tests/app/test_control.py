import socket

import pyarrow as pa
import pytest

from tidemill.app.control import ask_sql, ask_status, serving, socket_path
from tidemill.schema.faults import Refused

TABLE = pa.table({"a": [1, 2]})


async def status():
    return {"events": 3}


async def query(sql: str) -> pa.Table:
    if "DROP" in sql:
        raise Refused(f"sql: expected a statement that reads, found {sql!r}")
    return TABLE


async def test_status_and_sql_are_answered_and_faults_come_across(tmp_path):
    async with serving(tmp_path, status, query) as path:
        assert path.stat().st_mode & 0o777 == 0o600
        assert await ask_status(tmp_path) == {"events": 3}
        assert (await ask_sql(tmp_path, "SELECT 1")).equals(TABLE)
        with pytest.raises(Refused, match="expected a statement that reads, found 'DROP'"):
            await ask_sql(tmp_path, "DROP")
    assert not path.exists()


async def test_nothing_is_asked_where_nobody_runs(tmp_path):
    assert await ask_status(tmp_path) is None
    assert await ask_sql(tmp_path, "SELECT 1") is None


async def test_a_socket_that_a_killed_process_left_is_taken_over(tmp_path):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(socket_path(tmp_path)))
    assert await ask_status(tmp_path) is None
    async with serving(tmp_path, status, query):
        assert await ask_status(tmp_path) == {"events": 3}


async def test_a_deep_folder_gets_a_short_socket(tmp_path):
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    assert len(str(socket_path(deep))) < 100
    async with serving(deep, status, query):
        assert await ask_status(deep) == {"events": 3}
