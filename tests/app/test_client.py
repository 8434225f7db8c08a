"""`tidemill.connect`, to a URL and to a folder: the same answers by the same names."""

import asyncio

import pytest
from tests.serve.program import served
from tests.serve.stored import StoredProgram, events

import tidemill
from tidemill.bus import open_bus
from tidemill.schema import derive
from tidemill.schema.faults import Refused, Unreachable
from tidemill.store import open_store

ROWS = 9


def read_all(client):
    """Ask what both kinds of connection are asked."""
    swaps = client.events("swap", limit=4, where=["block_number>=2"], fields=["block_number", "amount0_in"])
    assert swaps.rows() == [{"block_number": n, "amount0_in": 10**30 + n} for n in (9, 8, 7, 6)]
    everything = client.events("swap", limit=None, order="oldest", source="eth")
    assert everything.arrow.schema.equals(derive.arrow_schema("swap"))
    assert everything.rows() == derive.to_rows("swap", events("swap", 1, ROWS))
    assert client.events("swap", pool=(3).to_bytes(20, "big")).rows()[0]["block_number"] == 3
    frame = swaps.polars()
    assert (frame.columns, frame["amount0_in"][0]) == (["block_number", "amount0_in"], str(10**30 + 9))
    assert list(swaps.pandas()["block_number"]) == [9, 8, 7, 6]
    answer = client.sql(
        "SELECT max(block_number) AS most FROM swap WHERE block_number < {below:UInt64}", below=5
    )
    assert answer.rows() == [{"most": 4}]
    with pytest.raises(Refused, match="fields: expected some of"):
        client.events("swap", fields=["nothing"])
    with pytest.raises(Refused, match="topic: expected one of"):
        client.events("nothing")


async def test_a_url_and_a_folder_answer_alike(tmp_path):
    async with (
        open_bus(f"lmdb://{tmp_path / 'bus'}") as bus,
        open_store(f"chdb://{tmp_path / 'store'}") as store,
    ):
        await store.migrate()
        told = StoredProgram(bus, store)
        await told.commit("swap", events("swap", 1, ROWS))
        async with served(told) as api:
            with tidemill.connect(api.url) as client:
                await asyncio.to_thread(read_all, client)
                stream = client.stream("swap", cursor=f"{bus.identity}~swap:0.7", fields=["block_number"])
                said = [await asyncio.to_thread(next, stream) for _ in range(2)]
                assert said == [{"block_number": 8}, {"block_number": 9}]
                stream.close()

    def read_folder():
        with tidemill.connect(tmp_path) as client:
            read_all(client)

    await asyncio.to_thread(read_folder)


def test_where_nothing_is_it_says_so(tmp_path):
    with pytest.raises(Refused, match="expected a data folder"):
        tidemill.connect(tmp_path / "none")
    with tidemill.connect("http://127.0.0.1:1") as client, pytest.raises(Unreachable):
        client.events("swap")
