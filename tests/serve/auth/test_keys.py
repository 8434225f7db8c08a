"""Is a key known again, never kept, and gone within seconds of its revocation."""

import asyncio
import datetime as dt
from http import HTTPStatus

import pytest
from tests.app.until import until
from tests.store.registry.conftest import empty_url, server, url  # noqa: F401 both databases

from tidemill.schema.faults import Malformed, Unknown, Unreachable
from tidemill.serve.auth.api_key import id_of, is_key, make_key
from tidemill.serve.auth.denial import Denied
from tidemill.serve.auth.key_ring import KeyRing
from tidemill.serve.role import Role
from tidemill.store.registry.api_keys import open_api_keys

from .guarded import guarded

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def test_a_key_is_known_again_and_no_other():
    made, other = (make_key("desk", Role.TRADER, NOW) for _ in range(2))
    assert id_of(made.secret) == made.kept.id
    assert is_key(made.secret, made.kept)
    assert not is_key(other.secret, made.kept)
    assert made.secret.rpartition("_")[2] not in repr(made.kept)
    assert [id_of(text) for text in ("", made.secret + "x", made.secret[:-1], "tidemill_ab_cd")] == [None] * 4


def test_both_databases_keep_what_is_known_of_keys(url):  # noqa: F811
    with open_api_keys(url) as keys:
        plain = make_key("one", Role.VIEWER, NOW).kept
        full = make_key("two", Role.ADMIN, NOW, dt.timedelta(days=1), 7).kept
        keys.add(plain)
        keys.add(full)
        assert sorted(keys.all()) == sorted([plain, full])
        with pytest.raises(Malformed):
            keys.add(plain)
        with pytest.raises(Malformed):
            keys.add(make_key("x", Role.ADMIN, NOW).kept._replace(role="root"))
        assert keys.revoke(plain.id, NOW)
        assert not keys.revoke(plain.id, NOW + dt.timedelta(days=1))
        assert [key.revoked_at for key in keys.all() if key.id == plain.id] == [NOW]
        with pytest.raises(Unknown, match="'nobody'"):
            keys.revoke("nobody", NOW)


def test_keys_that_were_not_read_for_long_let_nobody_in():
    made = make_key("desk", Role.VIEWER, NOW)
    ring = KeyRing(list)
    now_s = NOW.timestamp()
    with pytest.raises(Denied) as raised:
        ring.caller(made.secret, now_s, 100.0)
    assert raised.value.status is HTTPStatus.SERVICE_UNAVAILABLE
    ring.take([made.kept], 100.0)
    assert ring.caller(made.secret, now_s, 130.0).name == made.kept.id
    with pytest.raises(Denied):
        ring.caller(made.secret, now_s, 131.0)


async def test_a_database_that_is_away_is_asked_again():
    made = make_key("desk", Role.VIEWER, NOW)
    answers = iter([Unreachable("away"), [made.kept]])

    def read():
        answer = next(answers, [made.kept])
        if isinstance(answer, Exception):
            raise answer
        return answer

    ring = KeyRing(read)
    reading = asyncio.create_task(ring.run())

    async def is_known():
        return ring.is_good(made.kept.id, NOW.timestamp())

    await until(is_known)
    reading.cancel()


async def test_a_key_that_is_made_or_revoked_elsewhere_is_heard_of(tmp_path):
    async with guarded(tmp_path) as server:  # noqa: F811
        key = server.key()

        async def answers(status):
            return await server.status("/stats", key) == status

        await until(lambda: answers(HTTPStatus.OK))
        server.keys.revoke(id_of(key), NOW)
        await until(lambda: answers(HTTPStatus.UNAUTHORIZED))


async def test_a_key_may_be_shown_in_either_header_and_in_one_alone(tmp_path):
    made = make_key("desk", Role.VIEWER, NOW)
    key = made.secret
    async with guarded(tmp_path, made=(made,)) as server:  # noqa: F811
        assert await server.status("/stats", headers={"X-API-Key": key}) == HTTPStatus.OK
        status, told, _ = await server.ask("/stats", key, headers={"X-API-Key": key})
        assert (status, told["message"]) == (400, "expected one key, token or ticket, found several")
        assert await server.status("/stats", headers={"Authorization": f"Basic {key}"}) == 401
        for path in (f"/stats?source={key}", f"/{key}", f"/stats?x={'eyJ' + 'a' * 20}.{'b' * 20}.c"):
            status, told, _ = await server.ask(path)
            assert status == HTTPStatus.BAD_REQUEST
            assert "no token in the address" in told["message"]
            assert key not in told["message"]


async def test_a_key_has_a_limit_of_its_own(tmp_path):
    made = make_key("desk", Role.VIEWER, dt.datetime.now(dt.UTC), requests_per_minute=2)
    async with guarded(tmp_path, made=(made,)) as server:  # noqa: F811
        found = [await server.ask("/stats", made.secret) for _ in range(3)]
        assert [status for status, _, _ in found] == [200, 200, 429]
        assert [headers["ratelimit-remaining"] for _, _, headers in found] == ["1", "0", "0"]
        assert 0 < int(found[2][2]["retry-after"]) <= 30
        assert found[2][1]["fault"] == "Unreachable"
        assert found[0][2]["ratelimit-policy"] == "2;w=60"
