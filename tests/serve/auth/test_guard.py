"""What does the guard ask of every request, and what does it write down."""

import asyncio
from http import HTTPStatus

import msgspec
import pytest
from tests.app.until import until
from tests.serve.program import FakeProgram, program

from tidemill.schema.faults import Refused
from tidemill.serve.auth.audit import FILE_NAME
from tidemill.serve.auth.config import AuditSettings, AuthSettings, LimitSettings
from tidemill.serve.config import ApiSettings, MetricsSettings
from tidemill.serve.ports import take_ports
from tidemill.serve.role import Role
from tidemill.serve.route import Answer, Route
from tidemill.serve.server import answering

from .guarded import SECRET, guarded, token

DESK = "https://desk.example"


async def test_nobody_is_asked_on_this_machine_unless_that_is_set(tmp_path):
    async with guarded(tmp_path, auth=AuthSettings()) as server:
        status, _, headers = await server.ask("/stats")
        assert status == HTTPStatus.OK
        assert "ratelimit-limit" not in headers
        assert not (tmp_path / "logs" / FILE_NAME).exists()


async def test_every_answer_has_the_headers_that_keep_browsers_from_harm(tmp_path):
    async with guarded(tmp_path) as server:
        for path, shown, status in (("/stats", token(), 200), ("/stats", None, 401), ("/x", token(), 404)):
            found, _, headers = await server.ask(path, shown)
            assert found == status
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"
            assert headers["content-security-policy"].startswith("default-src 'none'")
            assert headers["cache-control"] in {"no-store", "private"}
            assert headers["ratelimit-limit"] == "1000"
            assert "server" not in headers
            assert "access-control-allow-origin" not in headers
        _, _, headers = await server.ask("/stats")
        assert headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("auth", [AuthSettings(), AuthSettings(jwt_secret=SECRET)])
async def test_a_page_of_another_origin_is_turned_away(tmp_path, auth):
    async with guarded(tmp_path, auth=auth) as server:
        for origin in (DESK, "null", "http://localhost", "http://127.0.0.1", f"{server.url}.evil.example"):
            status, told, _ = await server.ask("/stats", token(), headers={"Origin": origin})
            assert status == HTTPStatus.FORBIDDEN, origin
            assert "another origin" in told["message"]
        assert await server.status("/stats", token(), headers={"Origin": server.url}) == HTTPStatus.OK


async def test_a_page_of_an_origin_that_is_set_may_call(tmp_path):
    auth = AuthSettings(jwt_secret=SECRET, cors_origins=(DESK,))
    async with guarded(tmp_path, auth=auth) as server:
        asked = {"Origin": DESK, "Access-Control-Request-Method": "GET"}
        status, _, headers = await server.ask(
            "/stats", method="OPTIONS", headers={**asked, "Access-Control-Request-Headers": "authorization"}
        )
        assert (status, headers["access-control-allow-origin"]) == (HTTPStatus.OK, DESK)
        status, _, headers = await server.ask("/stats", token(), headers={"Origin": DESK})
        assert (status, headers["access-control-allow-origin"]) == (HTTPStatus.OK, DESK)
        assert "access-control-allow-credentials" not in headers
        assert await server.status("/stats", token(), headers={"Origin": DESK + ".evil"}) == 403
        assert await server.status("/stats", headers={"Origin": DESK}) == HTTPStatus.UNAUTHORIZED


async def test_an_address_that_asks_too_often_is_told_when_to_come_back(tmp_path):
    async with guarded(tmp_path, limits=LimitSettings(requests_per_minute=5)) as server:
        found = [await server.status("/health") for _ in range(7)]
        assert found == [200] * 5 + [429] * 2
        _, told, headers = await server.ask("/stats", token())
        assert "5 requests a minute" in told["message"]
        assert 0 < int(headers["retry-after"]) <= 12


async def test_who_guesses_is_soon_too_fast(tmp_path):
    async with guarded(tmp_path, limits=LimitSettings(requests_per_minute=100)) as server:
        found = [await server.status("/stats", "guess") for _ in range(11)]
        assert found.count(401) <= 10
        assert found[-1] == 429


async def test_who_did_what_is_written_down_without_secrets(tmp_path):
    async with guarded(tmp_path) as server:
        good = token({"sub": "ada\n{}", "role": "analyst"})
        await server.ask("/stats", good)
        await server.ask('/endpoints?source=%0a"&ticket=unused', good)
        await server.ask("/stats", "guess")
        await server.ask("/stats?x=tidemill_" + "0" * 12 + "_" + "A" * 43)

        async def are_all_there():
            return (server.logs / FILE_NAME).read_text().count("\n") == 4

        await until(are_all_there)
        lines = (server.logs / FILE_NAME).read_text().splitlines()
        told = [msgspec.json.decode(line) for line in lines]
        assert [(one["caller"], one["role"], one["status"]) for one in told] == [
            ("ada\n{}", "analyst", 200),
            ("ada\n{}", "analyst", 400),
            ("", "", 401),
            ("", "", 400),
        ]
        assert [one["address"] for one in told] == ["127.0.0.1"] * 4
        assert "expected a token" in told[2]["denied"]
        whole = "\n".join(lines)
        for secret in (good, SECRET, "A" * 43, "guess", "unused"):
            assert secret not in whole
        assert (server.logs / FILE_NAME).stat().st_mode & 0o077 == 0


async def test_the_audit_is_bounded_whoever_fills_it(tmp_path):
    audit = AuditSettings(rotate_bytes=10_000, rotated_files=2)
    limits = LimitSettings(requests_per_minute=1_000_000)
    async with guarded(tmp_path, audit=audit, limits=limits) as server:
        for _ in range(30):
            await server.ask("/x" * 2_000)
        files = list(server.logs.glob(FILE_NAME + "*"))
        assert len(files) == 3
        assert sum(file.stat().st_size for file in files) < 40_000


async def test_a_body_has_a_size_and_a_time(tmp_path):
    async def swallow(call):
        """Read all that is sent."""
        return Answer(len(await call.request.body()))

    route = Route(path="/swallow", method="POST", answer=swallow, role=Role.VIEWER)
    limits = LimitSettings(body_bytes_max=1_000, query_bytes_max=100, body_timeout_s=0.5)
    async with guarded(tmp_path, routes=(route,), limits=limits) as server:

        async def sends(*chunks, gap_s=0.0):
            async def body():
                for chunk in chunks:
                    yield chunk
                    await asyncio.sleep(gap_s)

            return await server.status("/swallow", token(), method="POST", data=body())

        assert await server.status("/swallow", token(), method="POST", data=bytes(1_001)) == 413
        assert await sends(bytes(600), bytes(400)) == 200
        assert await sends(bytes(600), bytes(401)) == 413
        assert await sends(bytes(600), bytes(400), gap_s=2) == 408
        assert await server.status(f"/stats?x={'y' * 99}", token()) == 414


async def test_nothing_answers_other_machines_without_protection():
    auth = AuthSettings(enabled=True)
    for api, metrics in (("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "0.0.0.0")):
        ports = take_ports(ApiSettings(host=api, port=0, auth=auth), MetricsSettings(host=metrics, port=0))
        try:
            with pytest.raises(Refused, match="expected what asks who calls"):
                async with answering(FakeProgram(program()), ports, 64):
                    pass
        finally:
            ports.close()
