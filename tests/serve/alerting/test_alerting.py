"""Is everybody told whatever one of the routes does, and the dead man's switch only while all is well."""

import asyncio
import json
from contextlib import asynccontextmanager

import msgspec
import pytest
from tests.app.until import until

from tidemill.app.operating import alerts as command
from tidemill.app.settings import read_settings
from tidemill.core.clock import SystemClock
from tidemill.core.redact import Redactor
from tidemill.schema.faults import Refused
from tidemill.serve.alerting import alerting as module
from tidemill.serve.alerting.alerting import Alerting
from tidemill.serve.alerting.config import AlertsSettings, EmailSettings, HeartbeatSettings, SlackSettings
from tidemill.serve.alerting.heartbeat import Heartbeat
from tidemill.serve.collector import MetricsCollector
from tidemill.serve.config import AlertSettings, MonitoringSettings
from tidemill.serve.monitor import Alert

from ..program import FakeProgram, chain, endpoint, link, program
from .receivers import receiving

WELL = chain(endpoints={"0": endpoint(links={"ws": link()})})
KEY = "a-very-secret-key"


@pytest.fixture
async def receiver():
    async with receiving() as receiver:
        yield receiver


@asynccontextmanager
async def telling(**slack):
    settings = AlertsSettings(
        instance="box",
        waiting_max=2,
        slack={name: SlackSettings(webhook_url=url) for name, url in slack.items()},
    )
    alerting = Alerting(settings, SystemClock(), Redactor([KEY]))
    task = asyncio.create_task(alerting.run())
    try:
        yield alerting
    finally:
        task.cancel()
        await asyncio.wait([task])


def told(name, message="m"):
    alert = Alert(name=name, is_raised=True, value=1, limit=0, time_ns=1, message=message)
    return msgspec.to_builtins(alert)


async def texts(receiver, count):
    async def all_there():
        return len(receiver.got) >= count

    await until(all_there)
    return [json.loads(got.body)["text"] for got in receiver.got]


async def test_a_route_that_is_away_delays_no_other_and_is_bounded(receiver):
    async with telling(away="http://127.0.0.1:9/x", here=receiver.url) as alerting:
        for name in "abcd":
            alerting.take(told(name, f"of {KEY}"))
            await texts(receiver, "abcd".index(name) + 1)
        found = await texts(receiver, 4)
        assert found[0] == "ALERT tidemill box: a\nof ***"
        assert alerting.status()["slack.here"]["sent"] == 4
        away = alerting.status()["slack.away"]
        assert [away["sent"], away["waiting"], away["dropped"]] == [0, 2, 2]
        assert away["last_fault"].startswith("alerts.slack.away: expected an answer")
        lost, taken = alerting.states()
        assert [lost.name, lost.failed, lost.waiting, taken.name, taken.sent] == [
            "slack.away",
            2,
            2,
            "slack.here",
            4,
        ]
        assert lost.retries >= 1


async def test_what_was_not_taken_is_sent_again_and_what_is_refused_is_not(receiver, monkeypatch):
    monkeypatch.setattr(module, "_RETRY_FIRST_MS", 10)
    receiver.statuses = [500, 200, 403, 200]
    async with telling(here=receiver.url) as alerting:
        for name in "ab":
            alerting.take(told(name))
        await texts(receiver, 3)
        alerting.take(told("c"))
        found = [text.rpartition(": ")[2].partition("\n")[0] for text in await texts(receiver, 4)]
        assert found == ["a", "a", "b", "c"]

        async def is_counted():
            status = alerting.status()["slack.here"]
            return [status["sent"], status["refused"], status["waiting"]] == [2, 1, 0]

        await until(is_counted)


async def test_a_chain_that_is_down_for_too_long_reaches_the_route_and_so_does_its_end(receiver):
    fake = FakeProgram(program(chains=(WELL,)))
    limits = MonitoringSettings(alerts=AlertSettings(unhealthy_max_s=30, uptime_percent_min=0))
    collector = MetricsCollector(fake, limits)
    async with telling(here=receiver.url) as alerting:
        collector.register_alert_callback(alerting.take)
        down = chain(state="stopped", last_fault="nobody answers", endpoints=WELL.endpoints)
        for second, one in ((0, WELL), (10, down), (40, down), (41, down), (50, WELL)):
            fake.told = program(chains=(one,), now_ns=program().now_ns + second * 10**9)
            await collector.collect()
        assert await texts(receiver, 2) == [
            "ALERT tidemill box: chain:eth\n"
            "chain:eth: expected not to work for at most 30 s, found 31: nobody answers",
            "OVER tidemill box: chain:eth\nchain:eth: expected not to work for at most 30 s, it is 0 again",
        ]


async def test_the_switch_is_asked_once_for_each_sample_that_is_well(receiver):
    fake = FakeProgram(program(chains=(WELL,)))
    collector = MetricsCollector(fake)
    settings = HeartbeatSettings(ping_url=f"{receiver.url}/ping/uuid", interval_s=0.05)
    heartbeat = Heartbeat(settings, lambda: collector.newest)
    task = asyncio.create_task(heartbeat.run())

    async def asked(count):
        async def is_asked():
            return heartbeat.sent == count

        await until(is_asked)

    try:
        await collector.collect()
        await asked(1)
        fake.told = program(chains=(WELL,), is_bus_up=False, now_ns=program().now_ns + 1)
        await collector.collect()
        assert collector.newest is not None
        seen_ns = collector.newest.time_ns

        async def is_seen():
            return heartbeat._last_ns == seen_ns

        await until(is_seen)
        assert heartbeat.sent == 1, "an unhealthy one is silent, and so is one whose samples stand still"
        fake.told = program(chains=(WELL,), now_ns=program().now_ns + 2)
        await collector.collect()
        await asked(2)
    finally:
        task.cancel()
        await asyncio.wait([task])
    assert [got.path for got in receiver.got] == ["/ping/uuid"] * 2


def test_a_route_whose_settings_do_not_fit_is_refused_by_name():
    wrong = EmailSettings(
        host="mail.example",
        sender="a@b.example",
        recipients=("c@d.example",),
        password="x",
        encryption="none",
    )
    with pytest.raises(Refused, match=r"alerts\.email\.ops"):
        Alerting(AlertsSettings(email={"ops": wrong}), SystemClock(), Redactor())


TOML = """
[alerts]
instance = "box"
[alerts.slack.ops]
webhook_url = "${SLACK_URL}"
[alerts.webhooks.pager]
url = "http://127.0.0.1:9/hook"
secret = "written-into-the-file-itself"
"""


def test_secrets_of_the_settings_are_never_shown(tmp_path):
    (tmp_path / "t.toml").write_text(TOML)
    environment = read_settings(
        tmp_path / "t.toml", None, {"SLACK_URL": "https://hooks.example/services/T0/xyz"}
    )
    shown = " ".join(row.value for row in environment.loaded.rows())
    assert "xyz" not in shown
    assert "written-into" not in shown
    assert "***" in shown


async def test_the_command_tries_every_route_and_says_which_does_not_work(receiver, tmp_path, capsys):
    (tmp_path / "t.toml").write_text(TOML)
    environment = read_settings(tmp_path / "t.toml", None, {"SLACK_URL": f"{receiver.url}/services/xyz"})
    assert await command._test(environment) == 1
    said = capsys.readouterr().out
    assert "ok   slack.ops\n" in said
    assert "FAIL webhooks.pager: alerts.webhooks.pager: expected an answer" in said
    assert "a message to try the route" in (await texts(receiver, 1))[0]
    assert await command._test(read_settings(None, tmp_path, {})) == 1
    assert "expected at least one route" in capsys.readouterr().out
