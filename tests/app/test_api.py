"""What `tidemill up` serves, over HTTP, while it reads a real chain by an endpoint that misbehaves."""

import asyncio
import json
import re
import socket

import aiohttp
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from tests.prometheus import need_prometheus, prometheus
from tests.servers.databases import redis_server
from tests.servers.sei import sei_server
from tests.system.program import caught_up, tidemill, up

from tidemill.app.control import ask_status
from tidemill.sandbox.faults.proxy import fault_proxy
from tidemill.sandbox.faults.scenario import Scenario
from tidemill.serve.declared import declared

from .conftest import ROOT, chain_toml
from .crowd import TradingCrowd
from .test_kill_autopsy import search_toml
from .test_sei import settings_file
from .until import until

SOURCE = "sandbox"


async def addresses(folder):
    """Wait until the API answers; return where it is, and where the metrics are."""

    async def is_there():
        return await ask_status(folder / "data") is not None

    await until(is_there)
    status = await ask_status(folder / "data")
    return status["api"]["url"], status["api"]["metrics_url"]


async def get(url, status=200):
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json()


async def families(url):
    """Return what a scrape in OpenMetrics' format tells, family by family."""
    headers = {"Accept": "application/openmetrics-text; version=1.0.0"}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as answer:
        assert answer.content_type == "application/openmetrics-text"
        return list(text_string_to_metric_families(await answer.text()))


async def samples(url):
    """Return every sample of a scrape, by its name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in await families(url)
        for sample in family.samples
    }


def of(found, name, **labels):
    """Return the one value of a metric with these labels among others."""
    wanted = labels.items()
    (value,) = (value for (told, has), value in found.items() if told == name and wanted <= has)
    return value


async def test_status_metrics_and_api_tell_the_same_of_an_endpoint_that_lies(fresh_world, tmp_path):
    world = fresh_world
    lies = Scenario.parse("drop_log=1/3")
    async with fault_proxy(http_url=world.http_url, ws_url=world.ws_url, scenario=lies) as proxy:
        (tmp_path / "tidemill.toml").write_text(chain_toml(world, through=proxy))
        async with up(tmp_path):
            api, metrics = await addresses(tmp_path)
            async with TradingCrowd(world, swaps_per_s=60, block_ms=100):

                async def was_caught():
                    (chain,) = await get(f"{api}/endpoints")
                    return chain["endpoints"].get("0", {}).get("honesty", 1) < 1

                await until(was_caught)
            await world.mine()
            await caught_up(tmp_path, SOURCE, world)
            (chain,) = await get(f"{api}/endpoints?source={SOURCE}")
            status = (await ask_status(tmp_path / "data"))["chains"][SOURCE]
            found = await samples(metrics)
            for number, socket_name in (("0", "ws"), ("1", "ws1")):
                card, same = chain["endpoints"][number], status["scorecards"][number]
                labels = {"source": SOURCE, "endpoint": number}
                for vice in ("lied", "wrong_fork", "garbled"):
                    acquitted = card["acquittals"] if vice == "lied" else 0
                    counted = of(found, "tidemill_endpoint_vices_total", **labels, vice=vice)
                    assert counted == card[vice] + acquitted == same[vice] + acquitted
                assert of(found, "tidemill_endpoint_honesty_ratio", **labels) == card["honesty"]
                assert card["links"][socket_name]["frames"] > 0
            assert chain["endpoints"]["0"]["honesty"] < 1 == chain["endpoints"]["1"]["honesty"]
            leads = [of(found, "tidemill_link_leads", link=link) for link in ("ws", "ws1")]
            assert leads == [0, 1], "the honest one leads"
            assert of(found, "tidemill_chain_tip_block", source=SOURCE) == status["tip"] == chain["tip"]


async def test_health_coverage_and_stats_are_those_of_the_commands(fresh_world, tmp_path):
    world = fresh_world
    (tmp_path / "tidemill.toml").write_text(chain_toml(world))
    async with up(tmp_path):
        api, _ = await addresses(tmp_path)
        async with TradingCrowd(world, swaps_per_s=60, block_ms=100):
            await until(lambda: trades_are_stored(api))
        await world.mine()
        await caught_up(tmp_path, SOURCE, world)
        health = await get(f"{api}/health")
        assert health["status"] == "healthy"
        assert health["services"] == {"bus": "up", "store": "up", "api": "up", "chain:sandbox": "up"}
        assert health["metrics"]["transactions_per_second"] > 0
        assert 0 < health["metrics"]["avg_latency_ms"] < 10_000

        code, out, _ = await tidemill(tmp_path, "coverage", "--json")
        told = await get(f"{api}/coverage?require=complete")
        assert (code, told) == (0, json.loads(out))
        last = told[0]["to_block"]
        narrow = await get(f"{api}/coverage?source={SOURCE}&from=1&to=2&level=claimed")
        assert narrow[0]["complete"] == [{"from_block": 1, "to_block": 2, "proof": "claimed"}]
        assert (await get(f"{api}/coverage?gaps=true"))[0].keys() == {"source", "gaps"}
        lacking = await get(f"{api}/coverage?require=complete&to={last + 5}", 409)
        assert lacking["fault"] == "Gap"
        assert f"blocks {last + 1} to {last + 5} are not" in lacking["message"]
        assert (await get(f"{api}/coverage?source=mainnet", 400))["message"].startswith(
            "source: expected one of"
        )

        _, out, _ = await tidemill(tmp_path, "status")
        assert f"data API at {api}, metrics at http://127.0.0.1:" in out

        code, out, _ = await tidemill(tmp_path, "sql", "--json", "SELECT count() AS swaps FROM swap")
        assert (await get(f"{api}/stats"))["tables"]["swap"]["rows"] == json.loads(out)["swaps"]


async def trades_are_stored(api):
    return (await get(f"{api}/stats"))["tables"]["swap"]["rows"] > 50


async def test_every_declared_metric_has_a_value_in_a_running_program(fresh_world, tmp_path):
    async with sei_server() as sei, redis_server() as redis:
        file = settings_file(tmp_path, sei)
        exchange = '[[chains.sandbox.exchange_contracts]]\naddress = "0x' + "01" * 20 + '"\nname = "made"\n'
        told = '[alerts.webhooks.nobody]\nurl = "http://127.0.0.1:9/"\nsecret = "made for this test alone"\n'
        sections = (chain_toml(fresh_world), exchange, search_toml(fresh_world), told)
        file.write_text(file.read_text() + "".join(sections))
        variables = {"REDIS_URL": f"redis://127.0.0.1:{redis.port}", "TIDEMILL_MEMORY_MB": "1500"}
        async with up(tmp_path, **variables):
            await _all_metrics_have_values(fresh_world, tmp_path)


async def _all_metrics_have_values(fresh_world, tmp_path):
    api, metrics = await addresses(tmp_path)
    await caught_up(tmp_path, SOURCE, fresh_world)
    await get(f"{api}/stats")

    async def has_announced_a_head():
        await fresh_world.mine()
        (chain,) = await get(f"{api}/endpoints")
        return chain["endpoints"]["0"]["head"] is not None

    await until(has_announced_a_head)
    async with TradingCrowd(fresh_world, swaps_per_s=30, block_ms=150):
        await until(lambda: _all_are_told(metrics), 60)


_TOLD_ELSEWHERE = {
    # of chains that are inspected
    "arbitrage_transactions_total",
    "arbitrage_transactions_rate",
    "arbitrage_profit_total_sol",
    # of a bus on Kafka
    "kafka_producer_record_send_rate",
}


async def _all_are_told(metrics):
    told = await families(metrics)
    # told by wallet: there is no value before one of the registry has traded
    by_wallet = {
        "whale_trades_detected": "whale_trades_detected_total",
        "whale_last_trade_timestamp_seconds": "whale_last_trade_timestamp_seconds",
    }
    names = {by_wallet[one.name] for one in told if one.name in by_wallet}
    names |= {sample.name for family in told for sample in family.samples}
    lacking = {
        metric.name
        for metric in declared()
        if not names & {metric.name, f"{metric.name}_count", f"{metric.name}_bucket"}
    }
    return lacking <= _TOLD_ELSEWHERE and "process_resident_memory_bytes" in names


async def test_a_real_prometheus_scrapes_it(fresh_world, tmp_path):
    binary = need_prometheus()
    (tmp_path / "tidemill.toml").write_text(chain_toml(fresh_world))
    async with up(tmp_path):
        _, metrics = await addresses(tmp_path)
        async with (
            prometheus(binary, tmp_path, metrics) as query,
            TradingCrowd(fresh_world, swaps_per_s=60, block_ms=100),
        ):

            async def has(expression):
                return any(float(one["value"][1]) > 0 for one in await query(expression))

            for expression in (
                "up == 1",
                'rate(tidemill_events_total{topic="swap"}[3s])',
                "histogram_quantile(0.99, rate(tidemill_frame_to_bus_seconds_bucket[3s]))",
                "tidemill_link_leads * on(source, endpoint, link) group_left(url) tidemill_link_info",
                "rate(websocket_messages_received_total[3s])",
            ):
                await until(lambda asked=expression: has(asked), 15)
            guide = (ROOT / "docs/guide/metrics.md").read_text()
            asked = re.findall(r"^\| [^|`]+ \| `(.+)` \|$", guide, re.MULTILINE)
            assert len(asked) > 8
            known = {metric.name for metric in declared()}
            for expression in asked:
                plain = expression.replace("\\|", "|")
                await query(plain)  # refuses what is no PromQL
                named = set(re.findall(r"\b(?:tidemill|websocket)_[a-z_]+", plain))
                assert {re.sub("_(bucket|sum|count)$", "", name) for name in named} <= known, plain


async def test_without_an_api_no_port_is_taken(fresh_world, tmp_path):
    (tmp_path / "tidemill.toml").write_text(chain_toml(fresh_world))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        async with up(tmp_path, "--no-api", TIDEMILL_API_PORT=port, PROMETHEUS_PORT=port):
            await caught_up(tmp_path, SOURCE, fresh_world)
            assert "api" not in await ask_status(tmp_path / "data")
        code, _, complaint = await tidemill(tmp_path, "up", PROMETHEUS_PORT=port)
    assert code == 1
    assert f"metrics.port: expected port {port} of 127.0.0.1 to be free" in complaint
    assert "PROMETHEUS_PORT" in complaint
    assert "Traceback" not in complaint


@pytest.mark.parametrize("path", ["/ready", "/metrics"])
async def test_it_answers_until_it_is_asked_to_stop_and_stops_at_once(fresh_world, tmp_path, path):
    (tmp_path / "tidemill.toml").write_text(chain_toml(fresh_world))
    async with up(tmp_path) as process:
        api, _ = await addresses(tmp_path)
        async with aiohttp.ClientSession() as session:

            async def is_well() -> bool:
                async with session.get(f"{api}{path}") as answer:
                    return answer.status == 200

            await until(is_well)  # at first the chain is still being connected
            began_s = asyncio.get_running_loop().time()
            process.terminate()
            await process.wait()
            assert asyncio.get_running_loop().time() - began_s < 5
