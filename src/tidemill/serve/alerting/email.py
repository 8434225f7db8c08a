"""Tell people by e-mail."""

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate

from tidemill.core.clock import NS_PER_S
from tidemill.schema.faults import Refused, Unreachable
from tidemill.serve.alerting.config import EmailSettings
from tidemill.serve.alerting.notice import Notice

_TIMEOUT_S = 10
_FOR_GOOD = 500
"""SMTP's codes from here on say that trying again would not help."""


class Email:
    """One list of recipients."""

    def __init__(self, settings: EmailSettings, where: str) -> None:
        """Raise Refused, where the settings would show a password to everybody on the way."""
        if settings.password is not None and settings.encryption == "none":
            raise Refused(f"{where}: expected encryption, as there is a password, found none")
        self._settings = settings
        self._where = where

    async def send(self, notice: Notice, now_ns: int) -> None:
        """Tell it. Raises: Unreachable, Refused."""
        message = message_of(notice, self._settings, now_ns)
        try:
            await asyncio.to_thread(_send, self._settings, message)
        except smtplib.SMTPRecipientsRefused as fault:
            raise Refused(f"{self._where}: expected a recipient to be taken: {fault.recipients}") from None
        except smtplib.SMTPResponseException as fault:
            said = fault.smtp_error.decode(errors="replace") if isinstance(fault.smtp_error, bytes) else ""
            kind = Refused if fault.smtp_code >= _FOR_GOOD else Unreachable
            raise kind(f"{self._where}: expected the mail to be taken: {fault.smtp_code} {said}") from None
        except smtplib.SMTPNotSupportedError as fault:
            raise Refused(f"{self._where}: expected a server that can do it: {fault}") from None
        except (smtplib.SMTPException, OSError) as fault:
            raise Unreachable(f"{self._where}: expected an answer within {_TIMEOUT_S} s: {fault}") from None


def message_of(notice: Notice, settings: EmailSettings, now_ns: int) -> EmailMessage:
    """Return the mail; one that is sent again has the same id."""
    message = EmailMessage()
    message["From"] = settings.sender
    message["To"] = ", ".join(settings.recipients)
    message["Subject"] = notice.title
    message["Date"] = formatdate(now_ns / NS_PER_S)
    message["Message-ID"] = f"<{notice.id.replace(':', '.')}@tidemill>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(f"{notice.text}\n")
    return message


def _send(settings: EmailSettings, message: EmailMessage) -> None:
    tls = ssl.create_default_context()
    if settings.encryption == "tls":
        server = smtplib.SMTP_SSL(settings.host, settings.port, timeout=_TIMEOUT_S, context=tls)
    else:
        server = smtplib.SMTP(settings.host, settings.port, timeout=_TIMEOUT_S)
    with server:
        if settings.encryption == "starttls":
            server.starttls(context=tls)
        if settings.username is not None and settings.password is not None:
            server.login(settings.username, settings.password)
        server.send_message(message)
