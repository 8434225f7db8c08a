"""Tell a chat of Telegram, as a bot.

Source: https://core.telegram.org/bots/api#sendmessage, read 2026-11-22.
"""

from tidemill.serve.alerting.config import TelegramSettings
from tidemill.serve.alerting.notice import Notice
from tidemill.serve.alerting.route import ask


class Telegram:
    """One chat."""

    def __init__(self, settings: TelegramSettings, where: str) -> None:
        self._url = f"{settings.api_url.rstrip('/')}/bot{settings.token}/sendMessage"
        self._chat_id = settings.chat_id
        self._where = where

    async def send(self, notice: Notice, now_ns: int) -> None:
        """Tell it. Raises: Unreachable, Refused."""
        asked = {
            "chat_id": self._chat_id,
            "text": notice.text,
            "disable_notification": notice.state == "ended",
        }
        await ask("POST", self._url, self._where, json=asked)
