"""Does it count as caught up only when nothing is left to wait for, and say what to do about each."""

import pytest

from tidemill.serve.config import ReadySettings
from tidemill.serve.program import VenueState
from tidemill.serve.readiness import readiness_of
from tidemill.serve.server import Additions

from .program import FakeProgram, chain, endpoint, program, served, topic

LIMITS = ReadySettings(behind_blocks_max=5, waiting_batches_max=10)


def test_what_is_within_its_limits_is_ready():
    at_limit = program(topics={"swap": topic(waiting_batches=4), "block": topic(waiting_batches=6)})
    found = readiness_of(at_limit, LIMITS)  # its chain is five blocks behind
    assert found.is_ready
    assert found.waits == ()


@pytest.mark.parametrize(
    ("changes", "part", "found"),
    [
        ({"is_bus_up": False}, "bus", "found none"),
        ({"is_store_up": False}, "store", "it did not"),
        ({"topics": {"swap": topic(waiting_batches=5), "block": topic(waiting_batches=6)}}, "store", "11"),
        ({"chains": (chain(tip=99),)}, "chain:eth", "at most 5 blocks behind its endpoints, found 6"),
        ({"chains": (chain(tip=None),)}, "chain:eth", "none has come yet"),
        ({"chains": (chain(endpoints={"0": endpoint(head=None)}),)}, "chain:eth", "none has come yet"),
        ({"chains": (chain(state="refused"),)}, "chain:eth", "it is refused"),
        ({"chains": (chain(), chain(source="base", state="connecting"))}, "chain:base", "it is connecting"),
        ({"venues": (VenueState(source="sei", state="stale"),)}, "venue:sei", "it is stale"),
    ],
)
def test_whatever_is_not_caught_up_is_waited_for_by_name(changes, part, found):
    (wait,) = readiness_of(program(**changes), LIMITS).waits
    assert wait.part == part
    assert found in wait.found
    assert wait.remedy


def test_who_stores_nothing_waits_for_no_store():
    state = program(has_store=False, is_store_up=False, topics={})
    assert readiness_of(state, LIMITS).is_ready


async def test_probes_get_their_answer_by_its_status():
    told = FakeProgram(program(chains=(chain(tip=90),)))
    async with served(told, additions=Additions(ready=LIMITS)) as client:
        behind = await client.get("/ready", 503)
        assert [behind["is_ready"], [one["part"] for one in behind["waits"]]] == [False, ["chain:eth"]]
        assert (await client.get("/live"))["uptime_s"] == 60
        told.told = program()
        assert await client.get("/ready") == {"is_ready": True, "waits": []}


async def test_a_chain_that_is_away_is_no_reason_to_start_again():
    async with served(FakeProgram(program(chains=(chain(state="stopped"),)))) as client:
        await client.get("/live")
        await client.get("/health", 503)
        await client.get("/ready", 503)
