"""Tell a program: a POST of JSON, signed as Standard Webhooks has it.

Source: https://www.standardwebhooks.com, "Signature scheme", read 2026-11-22.
"""

import base64
import binascii
import hmac
from hashlib import sha256

import msgspec

from tidemill.core.clock import NS_PER_S
from tidemill.serve.alerting.config import WebhookSettings
from tidemill.serve.alerting.notice import Notice
from tidemill.serve.alerting.route import ask

_PREFIX = "whsec_"


class Webhook:
    """One receiver."""

    def __init__(self, settings: WebhookSettings, where: str) -> None:
        self._url = settings.url
        self._key = _key(settings.secret)
        self._where = where

    async def send(self, notice: Notice, now_ns: int) -> None:
        """Tell it. Raises: Unreachable, Refused."""
        body = msgspec.json.encode(notice)
        signed = signed_headers(self._key, notice.id, now_ns // NS_PER_S, body)
        await ask("POST", self._url, self._where, data=body, headers=signed)


def signed_headers(key: bytes, message_id: str, sent_s: int, body: bytes) -> dict[str, str]:
    """Return the headers by which a receiver knows who sent `body`, and that it is not an old one again."""
    content = f"{message_id}.{sent_s}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, content, sha256)).decode()
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(sent_s),
        "webhook-signature": f"v1,{signature}",
    }


def _key(secret: str) -> bytes:
    """Return the key that `secret` stands for: of another form than the standard's it is the key itself."""
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()
