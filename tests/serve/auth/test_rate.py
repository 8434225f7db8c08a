"""Are requests counted alike in this process and in Redis, and do buckets stay few."""

import pytest
from tests.servers.databases import redis_server

from tidemill.serve.auth.rate import _BUCKETS_MAX, OwnBuckets
from tidemill.serve.auth.shared_rate import SharedBuckets
from tidemill.store.latest.redis_link import RedisLink
from tidemill.store.latest_config import RedisSettings


async def test_a_bucket_gives_what_it_has_and_fills_evenly():
    buckets = OwnBuckets()
    taken = [await buckets.take("a", 60, 1, 100.0) for _ in range(61)]
    assert [one.is_granted for one in taken] == [True] * 60 + [False]
    assert [one.remaining for one in taken[:3]] == [59, 58, 57]
    assert taken[-1].wait_s == pytest.approx(1.0)
    assert taken[-1].full_in_s == pytest.approx(60.0)
    assert not (await buckets.take("a", 60, 1, 100.9)).is_granted
    assert (await buckets.take("a", 60, 1, 101.1)).is_granted
    assert (await buckets.take("b", 60, 1, 100.0)).is_granted
    assert (await buckets.take("a", 60, 60, 1_000.0)).remaining == 0


async def test_a_clock_that_goes_back_gives_nothing():
    buckets = OwnBuckets()
    await buckets.take("a", 60, 60, 100.0)
    assert not (await buckets.take("a", 60, 1, 50.0)).is_granted
    assert not (await buckets.take("a", 60, 60, 101.0)).is_granted


async def test_callers_beyond_counting_take_no_room():
    buckets = OwnBuckets()
    for number in range(_BUCKETS_MAX + 500):
        await buckets.take(str(number), 60, 60, 1.0)
    assert len(buckets._left) == _BUCKETS_MAX
    assert not (await buckets.take(str(_BUCKETS_MAX + 499), 60, 1, 1.0)).is_granted


async def test_two_processes_count_together_through_redis_and_alone_without_it():
    async with redis_server() as server:
        settings = RedisSettings(url=f"redis://127.0.0.1:{server.port}/0", timeout_ms=1_000)
        async with RedisLink(settings) as one, RedisLink(settings) as other:
            first, second = (SharedBuckets(link, "tidemill", OwnBuckets()) for link in (one, other))
            assert (await first.take("a", 3, 2, 0.0)).remaining == 1
            assert (await second.take("a", 3, 1, 0.0)).is_granted
            denied = await first.take("a", 3, 1, 0.0)
            assert not denied.is_granted
            assert 0 < denied.wait_s <= 20
            assert (await second.take("b", 3, 3, 0.0)).is_granted
            await server.server.stop()
            assert (await first.take("a", 3, 3, 10.0)).is_granted, "by its own count"
            assert not (await first.take("a", 3, 1, 10.0)).is_granted
