"""Speak TLS, and ask who calls for a certificate where that is set."""

import ssl

from tidemill.schema.faults import Refused
from tidemill.serve.auth.config import TlsSettings


def tls_context(settings: TlsSettings) -> ssl.SSLContext | None:
    """Return what the server speaks TLS with; None where no certificate is set.

    Raises: Refused, naming the setting whose file is none.
    """
    if settings.certificate is None:
        for name in ("private_key", "client_ca"):
            if getattr(settings, name) is not None:
                raise Refused(f"api.tls.{name}: expected api.tls.certificate beside it, found none")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(["h2", "http/1.1"])
    try:
        # a password would be asked for at the console, which a server has not
        context.load_cert_chain(settings.certificate, settings.private_key, password=str)
    except (OSError, ssl.SSLError) as error:
        raise Refused(
            "api.tls.certificate, api.tls.private_key: expected a certificate and its key without a password,"
            f" as PEM: {error}"
        ) from None
    if settings.client_ca is not None:
        try:
            context.load_verify_locations(settings.client_ca)
        except (OSError, ssl.SSLError) as error:
            raise Refused(f"api.tls.client_ca: expected certificates, as PEM: {error}") from None
        context.verify_mode = ssl.CERT_REQUIRED
    return context
