"""Is TLS spoken, and are certificates asked for, where that is set."""

import ssl

import aiohttp
import pytest

from tidemill.schema.faults import Refused
from tidemill.serve.auth.config import TlsSettings
from tidemill.serve.auth.tls import tls_context

from .certificates import Authority
from .guarded import guarded, token


@pytest.fixture
def ours(tmp_path):
    return Authority(tmp_path, "ours")


@pytest.fixture
def settings(ours):
    files = ours.issue("server")
    return TlsSettings(certificate=files.certificate, private_key=files.private_key)


async def test_the_api_speaks_tls_and_says_that_browsers_are_to(tmp_path, ours, settings):
    async with guarded(
        tmp_path, tls=ssl.create_default_context(cafile=ours.file), api_tls=settings
    ) as server:
        assert server.url.startswith("https://")
        status, _, headers = await server.ask("/stats", token())
        assert status == 200
        assert headers["strict-transport-security"].startswith("max-age=")
        old = ssl.create_default_context(cafile=ours.file)
        old.minimum_version = ssl.TLSVersion.TLSv1_2
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        assert await server._replace(tls=old).status("/stats", token()) == 200
        plain = server._replace(url=server.url.replace("https", "http"))
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            await plain.status("/stats", token())
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await server._replace(tls=ssl.create_default_context()).status("/stats", token())


async def test_who_has_no_certificate_of_the_authority_is_not_heard(tmp_path, ours, settings):
    (tmp_path / "others").mkdir()
    theirs = Authority(tmp_path / "others", "theirs").issue("stranger")
    client = ours.issue("client")
    trusting = ssl.create_default_context(cafile=ours.file)
    api_tls = TlsSettings(
        certificate=settings.certificate, private_key=settings.private_key, client_ca=ours.file
    )
    async with guarded(tmp_path, tls=trusting, api_tls=api_tls) as server:
        for files in (None, theirs):
            context = ssl.create_default_context(cafile=ours.file)
            if files is not None:
                context.load_cert_chain(*files)
            with pytest.raises((aiohttp.ClientError, ConnectionError)):
                await server._replace(tls=context).status("/stats", token())
        trusting.load_cert_chain(*client)
        assert await server.status("/stats", token()) == 200
        assert await server.status("/stats") == 401, "a certificate alone is nobody's name"


def test_what_is_no_certificate_is_refused_with_its_setting(tmp_path, ours, settings):
    assert tls_context(TlsSettings()) is None
    other = ours.issue("other")
    nothing = str(tmp_path / "nothing.pem")
    good = {"certificate": settings.certificate, "private_key": settings.private_key}
    for change, message in (
        ({"certificate": nothing}, r"api\.tls\.certificate, api\.tls\.private_key: expected"),
        ({"private_key": other.private_key}, r"api\.tls\.certificate, api\.tls\.private_key: expected"),
        ({"client_ca": nothing}, r"api\.tls\.client_ca: expected certificates"),
        ({"certificate": None}, r"api\.tls\.private_key: expected api\.tls\.certificate beside it"),
    ):
        with pytest.raises(Refused, match=message):
            tls_context(TlsSettings(**{**good, **change}))
