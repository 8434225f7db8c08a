"""Tell a channel of Slack, by an incoming webhook.

Source: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks, read 2026-11-22.
"""

from tidemill.serve.alerting.config import SlackSettings
from tidemill.serve.alerting.notice import Notice
from tidemill.serve.alerting.route import ask


class Slack:
    """One channel."""

    def __init__(self, settings: SlackSettings, where: str) -> None:
        self._url = settings.webhook_url
        self._where = where

    async def send(self, notice: Notice, now_ns: int) -> None:
        """Tell it. Raises: Unreachable, Refused."""
        await ask("POST", self._url, self._where, json={"text": _escaped(notice.text)})


def _escaped(text: str) -> str:
    """Return `text` so that nothing in it is a link or a mention."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
