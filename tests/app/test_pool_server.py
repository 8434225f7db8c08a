"""Does `tidemill pool-server` tell what the pools of a real node hold, and start and stop in order?"""

import json
import signal
import socket
import ssl
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.app.conftest import chain_toml

from tidemill.app.chains.pool_server import served_chains, serving_pools
from tidemill.app.settings import read_settings
from tidemill.sandbox.rpc import Call, Rpc
from tidemill.sandbox.world import World
from tidemill.schema.faults import Refused

_GET_RESERVES = "0x0902f1ac"
_BALANCE_OF = "0x70a08231"
_WAIT_S = 60

Start = Callable[..., Any]


def _body(world: World, address: str, dex_type: str | None = None) -> dict[str, Any]:
    return {"chain_id": world.chain_id, "pool_address": address, "dex_type": dex_type}


async def test_every_pool_of_the_chain_is_told_as_its_contracts_have_it(world: World, serving) -> None:
    async with Rpc(world.http_url) as rpc, aiohttp.ClientSession() as session:
        with serving(chain_toml(world)) as (_, url):
            for pool in world.pools:
                async with session.post(f"{url}/api/pool", json=_body(world, pool.address)) as answer:
                    told = await answer.json()
                    block = hex(int(answer.headers["X-Block-Number"]))
                assert answer.status == 200, told
                assert told["error"] is None
                assert told["pool_address"] == pool.address
                reserves = told["reserves"]
                assert list(reserves) == ["reserve0", "reserve1", "token0", "token1"]
                assert reserves["token0"].lower() == pool.token0
                assert reserves["token1"].lower() == pool.token1
                expected = await _held(rpc, pool, block)
                assert (reserves["reserve0"], reserves["reserve1"]) == expected


async def test_how_tokens_move_is_told_in_a_header(world: World, serving) -> None:
    pairs = {one.oddity: one.pair for one in world.odd_tokens}
    natures = {"fee_on_transfer": "fee_on_transfer", "rebasing": "rebasing"}
    async with aiohttp.ClientSession() as session:
        with serving(chain_toml(world)) as (_, url):
            for _ in range(2):  # read, then told again
                for oddity, nature in natures.items():
                    body = _body(world, pairs[oddity])
                    async with session.post(f"{url}/api/pool", json=body) as answer:
                        told = answer.headers["X-Token-Natures"].split(", ")
                        assert answer.status == 200
                    assert sorted(told) == sorted(["ordinary", nature])


async def _held(rpc: Rpc, pool: Any, block: str) -> tuple[str, str]:
    if pool.protocol == "uniswap_v2":
        told = await rpc.call("eth_call", {"to": pool.address, "data": _GET_RESERVES}, block)
        return str(int(told[2:66], 16)), str(int(told[66:130], 16))
    data = _BALANCE_OF + pool.address[2:].rjust(64, "0")
    calls = [Call("eth_call", [{"to": token, "data": data}, block]) for token in (pool.token0, pool.token1)]
    first, second = await rpc.all(calls)
    return str(int(first, 16)), str(int(second, 16))


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"dex_type": "uniswap_v3"}, 422, "expected a pool of kind uniswap_v3, found uniswap_v2"),
        ({"dex_type": "uniswap_v9"}, 400, "dex_type: expected one of uniswap_v2,"),
        ({"chain_id": 1}, 404, "chain_id: expected one of 31337 (sandbox), found 1"),
        ({"pool_address": "0x" + "12" * 20}, 404, "expected a contract, found none"),
        ({"pool_address": "0x1234"}, 400, "pool_address: expected 0x and 40 hex digits"),
    ],
)
async def test_a_fault_is_a_status_and_an_error_in_the_same_body(
    world: World, serving, change: dict[str, Any], status: int, said: str
) -> None:
    pool = next(pool for pool in world.pools if pool.protocol == "uniswap_v2")
    with serving(chain_toml(world)) as (_, url):
        async with aiohttp.ClientSession() as session:
            body = _body(world, pool.address) | change
            async with session.post(f"{url}/api/pool", json=body) as answer:
                told = await answer.json()
    assert answer.status == status
    assert told["reserves"] is None
    assert told["pool_address"] == body["pool_address"]
    assert said in told["error"]


async def test_a_token_is_no_pool(world: World, serving) -> None:
    with serving(chain_toml(world)) as (_, url):
        async with aiohttp.ClientSession() as session:
            body = _body(world, world.tokens[0].address)
            async with session.post(f"{url}/api/pool", json=body) as answer:
                told = await answer.json()
    assert answer.status == 404
    assert "found a contract that answers as none" in told["error"]


async def test_health_and_metrics_have_the_fields_that_scripts_read(world: World, serving) -> None:
    with serving(chain_toml(world)) as (_, url):
        async with aiohttp.ClientSession() as session:
            async with session.post(f"{url}/api/pool", json=_body(world, world.pools[0].address)) as answer:
                assert answer.status == 200
            async with session.post(f"{url}/api/pool", data=b"nonsense") as answer:
                assert answer.status == 400
            async with session.get(f"{url}/health") as answer:
                health = await answer.json()
            async with session.get(f"{url}/api/metrics") as answer:
                metrics = await answer.json()
    assert health.pop("uptime_seconds") >= 0
    assert health == {"status": "healthy", "version": "0.1.0", "rust_engine": True}
    assert metrics.pop("uptime_seconds") >= 0
    assert metrics.pop("avg_response_time_ms") > 0
    assert metrics == {"queries_total": 2, "queries_success": 1, "queries_failed": 1}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_under_load_ends_it_and_breaks_off_no_answer(
    world: World, serving, number: signal.Signals
) -> None:
    statuses: list[int] = []
    is_told = False
    with serving(chain_toml(world), TIDEMILL_POOL_SERVER_CACHE_DURATION_S="0") as (process, url):
        async with aiohttp.ClientSession() as session:
            while len(statuses) < 2_000:
                if len(statuses) == 100 and not is_told:
                    process.send_signal(number)
                    is_told = True  # a second one would end it at once
                body = _body(world, world.pools[len(statuses) % 20].address)
                try:
                    async with session.post(f"{url}/api/pool", json=body) as answer:
                        await answer.read()
                except aiohttp.ClientConnectorError:
                    break  # nobody listens any more
                except aiohttp.ServerDisconnectedError:
                    continue  # between two requests
                statuses.append(answer.status)
        _, said = process.communicate(timeout=_WAIT_S)
    assert process.returncode == 0, said
    assert 100 <= len(statuses) < 2_000
    assert set(statuses) == {200}
    assert "Traceback" not in said
    assert "broken off" not in said


async def test_a_chain_is_named_by_the_environment_and_its_secret_is_not_told(world: World, serving) -> None:
    secret = "aVerySecretKey0123456789"
    url = f"{world.http_url}/?apikey={secret}"
    toml = f"[chains.sandbox]\nchain_id = {world.chain_id}\n"
    with serving(toml, RPC_SANDBOX=url) as (process, address):
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{address}/api/pool", json=_body(world, world.pools[0].address)) as answer,
        ):
            told = await answer.text()
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=_WAIT_S)
    assert answer.status == 200, told
    assert secret not in said


async def test_what_is_said_of_a_dead_endpoint_has_no_secret(serving) -> None:
    secret = "aVerySecretKey0123456789"
    with serving("", RPC_POLYGON=f"http://user:{secret}@127.0.0.1:1/v2/{secret}") as (process, address):
        async with aiohttp.ClientSession() as session:
            body = {"chain_id": 137, "pool_address": "0x" + "12" * 20}
            async with session.post(f"{address}/api/pool", json=body) as answer:
                told = await answer.json()
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=_WAIT_S)
    assert answer.status == 502
    assert told["error"] == "chain polygon: 127.0.0.1:1: cannot be reached"
    assert "chain polygon: 127.0.0.1:1: cannot be reached" in said
    assert secret not in said


async def test_an_endpoint_of_another_chain_is_not_believed(world: World, serving) -> None:
    with serving("", RPC_POLYGON=world.http_url) as (_, address):
        async with aiohttp.ClientSession() as session:
            body = _body(world, world.pools[0].address) | {"chain_id": 137}
            async with session.post(f"{address}/api/pool", json=body) as answer:
                told = await answer.json()
    assert answer.status == 502
    assert "expected an endpoint of chain 137, found one of 31337" in told["error"]


def test_a_taken_port_says_which_setting_changes_it(cli, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        env = {"RUST_SERVER_PORT": port, "RPC_POLYGON": "http://127.0.0.1:1"}
        ended = cli("pool-server", env=env)
    assert ended.returncode == 1
    assert f"127.0.0.1:{port}: expected a free port, found it taken; set RUST_SERVER_PORT" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_without_a_chain_it_says_what_to_set(cli) -> None:
    ended = cli("pool-server")
    assert ended.returncode == 1
    assert "expected a chain with an http_url in tidemill.toml, or a variable RPC_<CHAIN>" in ended.stderr


async def test_up_serves_pools_too_where_it_is_told_to(world: World, serving) -> None:
    with serving(chain_toml(world), "up", ENABLE_RUST_ENGINE="true") as (process, url):
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{url}/api/pool", json=_body(world, world.pools[0].address)) as answer,
        ):
            told = await answer.json()
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=_WAIT_S)
    assert told["error"] is None
    assert process.returncode == 0, said


def _chains(toml: str, tmp_path: Path, **environ: str) -> dict[str, Any]:
    file = tmp_path / "tidemill.toml"
    file.write_text(toml)
    environment = read_settings(file, None, {})
    return {chain.name: chain for chain in served_chains(environment, environ)}


def test_a_variable_goes_before_the_endpoints_of_its_section(tmp_path: Path) -> None:
    toml = (
        '[chains.my-polygon]\nchain_id = 137\nhttp_url = "http://a"\n'
        '[[chains.my-polygon.fallbacks]]\nhttp_url = "http://b"\n'
    )
    chains = _chains(toml, tmp_path, RPC_POLYGON="http://c", RPC_BASE="http://d", RPC_NOWHERE="http://e")
    assert chains["my-polygon"].http_urls == ["http://c", "http://a", "http://b"]
    assert chains["base"].chain_id == 8_453
    assert set(chains) == {"my-polygon", "base"}
    same = _chains(toml, tmp_path, RPC_MY_POLYGON="http://b")
    assert same["my-polygon"].http_urls == ["http://b", "http://a"]


def test_a_chain_that_has_only_a_websocket_is_left_out(tmp_path: Path) -> None:
    assert _chains('[chains.x]\nchain_id = 5\nws_url = "ws://a"\n', tmp_path) == {}


def test_two_sections_of_one_chain_are_refused(tmp_path: Path) -> None:
    toml = (
        '[chains.x]\nchain_id = 5\nhttp_url = "http://a"\n[chains.y]\nchain_id = 5\nhttp_url = "http://b"\n'
    )
    with pytest.raises(Refused, match=r"chains\.y\.chain_id: expected another one than chains\.x has"):
        _chains(toml, tmp_path)


async def test_it_does_not_answer_other_machines_unless_that_is_asked_for(tmp_path: Path) -> None:
    environ = {"TIDEMILL_POOL_SERVER_HOST": "0.0.0.0", "RPC_POLYGON": "http://127.0.0.1:1"}
    with pytest.raises(Refused, match=r"pool_server\.host: .* set pool_server\.open_to_all = true"):
        async with serving_pools(read_settings(None, tmp_path, environ)):
            pass


def test_the_names_that_shells_have_set_the_servers_settings() -> None:
    environ = {"ENABLE_RUST_ENGINE": "true", "RUST_SERVER_PORT": "8080"}
    settings = read_settings(None, None, environ).settings.pool_server
    assert (settings.enabled, settings.port) == (True, 8080)


def test_the_answer_is_json_to_the_letter_that_scripts_compare(world: World, serving) -> None:
    with serving(chain_toml(world)) as (_, url):
        body = json.dumps(_body(world, world.pools[0].address))
        told = subprocess.run(
            [
                "curl",
                "-sS",
                "-X",
                "POST",
                f"{url}/api/pool",
                "-H",
                "Content-Type: application/json",
                "-d",
                body,
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    assert told.startswith(f'{{"pool_address":"{world.pools[0].address}","reserves":{{"reserve0":"')
    assert told.endswith('"},"error":null}')


@contextmanager
def _speaking_tls(folder: Path, url: str) -> Iterator[tuple[str, Path]]:
    """Put TLS before the node at `url`; yield the address and the certificate that vouches for it."""
    authority, leaf = folder / "authority", folder / "leaf"
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    by_authority = ["-CA", f"{authority}.pem", "-CAkey", f"{authority}.key"]
    for_localhost = ["-addext", "basicConstraints=CA:FALSE", "-addext", "subjectAltName=DNS:localhost"]
    made = [
        [*new, "-subj", "/CN=authority", "-keyout", f"{authority}.key", "-out", f"{authority}.pem"],
        [
            *new,
            "-subj",
            "/CN=leaf",
            "-keyout",
            f"{leaf}.key",
            "-out",
            f"{leaf}.pem",
            *by_authority,
            *for_localhost,
        ],
    ]
    for command in made:
        subprocess.run(command, check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(f"{leaf}.pem", f"{leaf}.key")

    class Relay(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with urllib.request.urlopen(
                urllib.request.Request(url, body, {"Content-Type": "application/json"}), timeout=10
            ) as answer:
                content = answer.read()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Relay) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"https://localhost:{server.server_address[1]}", Path(f"{authority}.pem")
        finally:
            server.shutdown()
            thread.join()


async def test_an_https_endpoint_is_read_where_the_systems_certificates_vouch_for_it(
    world: World, serving, tmp_path: Path
) -> None:
    toml = f"[chains.sandbox]\nchain_id = {world.chain_id}\n"
    body = _body(world, world.pools[0].address)
    answers = []
    with _speaking_tls(tmp_path, world.http_url) as (url, certificate):
        for env in ({"SSL_CERT_FILE": str(certificate)}, {}):
            with serving(toml, RPC_SANDBOX=url, **env) as (_, address):
                async with aiohttp.ClientSession() as session:
                    async with session.post(f"{address}/api/pool", json=body) as answer:
                        answers.append((answer.status, (await answer.json())["error"]))
    assert answers[0] == (200, None)
    assert answers[1][0] == 502
    assert answers[1][1].endswith(": cannot be reached")
