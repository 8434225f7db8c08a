"""Does each route tell its receiver as that one's own documents say, over real HTTP and SMTP."""

import email
import email.policy
import json

import pytest

from tidemill.core.clock import NS_PER_S
from tidemill.schema.faults import Refused, Unreachable
from tidemill.serve.alerting.config import EmailSettings, SlackSettings, TelegramSettings, WebhookSettings
from tidemill.serve.alerting.email import Email
from tidemill.serve.alerting.notice import Notice
from tidemill.serve.alerting.slack import Slack
from tidemill.serve.alerting.telegram import Telegram
from tidemill.serve.alerting.webhook import Webhook, _key, signed_headers
from tidemill.serve.monitor import Alert

from .receivers import mailing, receiving

NOW_NS = 1_614_265_330 * NS_PER_S
ALERT = Alert(
    name="chain:eth", is_raised=True, value=61, limit=60, time_ns=NOW_NS, message="chain:eth: <found> 61"
)
NOTICE = Notice(id="box-1", instance="box", state="raised", alert=ALERT, times=3)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
async def receiver():
    async with receiving() as receiver:
        yield receiver


def test_a_signature_is_that_of_the_standards_own_example():
    found = signed_headers(
        _key(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}'
    )
    assert found["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_a_webhook_has_all_of_the_alert_and_proves_who_sent_it(receiver):
    await Webhook(WebhookSettings(url=f"{receiver.url}/hook", secret=SECRET), "here").send(NOTICE, NOW_NS)
    (got,) = receiver.got
    assert json.loads(got.body)["alert"]["name"] == "chain:eth"
    expected = signed_headers(_key(SECRET), "box-1", 1_614_265_330, got.body)
    assert expected.items() <= got.headers.items()


async def test_slack_gets_a_text_in_which_nothing_is_a_mention(receiver):
    await Slack(SlackSettings(webhook_url=f"{receiver.url}/services/T0/B0/x"), "here").send(NOTICE, NOW_NS)
    (got,) = receiver.got
    assert got.path == "/services/T0/B0/x"
    assert json.loads(got.body) == {
        "text": "ALERT tidemill box: chain:eth\nchain:eth: &lt;found&gt; 61 (3 times since it was told last)"
    }


async def test_telegram_gets_a_message_of_the_bot(receiver):
    settings = TelegramSettings(token="12:abc", chat_id="-100", api_url=receiver.url)
    await Telegram(settings, "here").send(NOTICE, NOW_NS)
    (got,) = receiver.got
    assert got.path == "/bot12:abc/sendMessage"
    told = json.loads(got.body)
    assert [told["chat_id"], told["disable_notification"]] == ["-100", False]
    assert "chain:eth: <found> 61" in told["text"]


@pytest.mark.parametrize(
    ("status", "fault"), [(500, Unreachable), (429, Unreachable), (404, Refused), (302, Refused)]
)
async def test_the_class_of_the_fault_says_whether_to_try_again_and_holds_no_secret(receiver, status, fault):
    receiver.statuses = [status]
    settings = SlackSettings(webhook_url=f"{receiver.url}/services/hidden")
    with pytest.raises(fault, match=f"alerts.slack.ours: .*found {status}: no_service") as found:
        await Slack(settings, "alerts.slack.ours").send(NOTICE, NOW_NS)
    assert "hidden" not in str(found.value)


async def test_a_receiver_that_is_away_is_unreachable():
    with pytest.raises(Unreachable, match="here: expected an answer"):
        await Slack(SlackSettings(webhook_url="http://127.0.0.1:9/x"), "here").send(NOTICE, NOW_NS)


def mail_settings(port, **changes):
    fields = {"host": "127.0.0.1", "sender": "tide@a.example", "recipients": ("ops@a.example",)}
    return EmailSettings(**fields, **{"port": port, "encryption": "none", **changes})


async def test_a_mail_reaches_its_recipients():
    async with mailing() as (mailbox, port):
        await Email(mail_settings(port), "here").send(NOTICE, NOW_NS)
    (envelope,) = mailbox.mails
    assert [envelope.mail_from, envelope.rcpt_tos] == ["tide@a.example", ["ops@a.example"]]
    mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert mail["Subject"] == "ALERT tidemill box: chain:eth"
    assert mail["Message-ID"] == "<box-1@tidemill>"
    assert "chain:eth: <found> 61 (3 times" in mail.get_content()


@pytest.mark.parametrize(("reply", "fault"), [("451 later", Unreachable), ("550 no such mailbox", Refused)])
async def test_what_a_mail_server_says_is_tried_again_only_where_it_helps(reply, fault):
    async with mailing() as (mailbox, port):
        mailbox.replies = [reply]
        with pytest.raises(fault, match=reply):
            await Email(mail_settings(port), "here").send(NOTICE, NOW_NS)


async def test_no_mail_is_sent_in_the_clear_where_encryption_is_asked_for():
    async with mailing() as (mailbox, port):
        with pytest.raises(Refused, match="expected a server that can do it"):
            await Email(mail_settings(port, encryption="starttls"), "here").send(NOTICE, NOW_NS)
    assert not mailbox.mails


def test_a_password_is_not_sent_in_the_clear():
    with pytest.raises(Refused, match="expected encryption"):
        Email(mail_settings(25, username="tide", password="very-secret"), "here")


async def test_a_mail_server_that_is_away_is_unreachable():
    with pytest.raises(Unreachable, match="here: expected an answer"):
        await Email(mail_settings(9), "here").send(NOTICE, NOW_NS)
