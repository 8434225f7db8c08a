"""Are ports taken before anything begins, or is it said which setting changes them."""

import socket

import pytest

from tidemill.schema.faults import Refused
from tidemill.serve.auth.config import AuthSettings, TlsSettings
from tidemill.serve.config import ApiSettings, MetricsSettings
from tidemill.serve.ports import is_loopback, take_ports

ANY = MetricsSettings(port=0)


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as held:
        yield held.getsockname()[1]


def test_port_0_takes_any_that_is_free_and_says_which():
    ports = take_ports(ApiSettings(port=0), ANY)
    try:
        assert ports.api.url.startswith("http://127.0.0.1:")
        assert ports.api.url != ports.metrics.url
        for port in ports:
            with socket.create_connection(port.socket.getsockname(), timeout=5):
                pass
            assert port.socket.proto == socket.IPPROTO_TCP, "or asyncio leaves Nagle's delay on"
    finally:
        ports.close()


def test_a_taken_port_names_its_setting(taken):
    with pytest.raises(Refused, match=f"expected port {taken} .* set api.port or TIDEMILL_API_PORT"):
        take_ports(ApiSettings(port=taken), ANY)
    with pytest.raises(Refused, match=r"set metrics\.port or PROMETHEUS_PORT to another, or to 0 for any"):
        take_ports(ApiSettings(port=0), MetricsSettings(port=taken))


def test_a_port_is_given_back_where_the_other_is_taken(taken):
    with socket.create_server(("127.0.0.1", 0)) as found:
        free = found.getsockname()[1]
    with pytest.raises(Refused):
        take_ports(ApiSettings(port=free), MetricsSettings(port=taken))
    with socket.create_server(("127.0.0.1", free)):
        pass


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "api.example"])
def test_the_api_is_not_offered_to_other_machines(host):
    with pytest.raises(Refused, match=r"api\.host: expected an address of this machine alone"):
        take_ports(ApiSettings(host=host, port=0), ANY)


def test_metrics_are_not_told_to_other_machines_unless_that_is_asked_for():
    with pytest.raises(Refused, match=r"metrics\.host: .* or metrics\.open_to_all = true"):
        take_ports(ApiSettings(port=0), MetricsSettings(host="0.0.0.0", port=0))
    for api, metrics in (
        (ApiSettings(port=0), MetricsSettings(host="0.0.0.0", port=0, open_to_all=True)),
        (ApiSettings(host="0.0.0.0", port=0, auth=AuthSettings(enabled=True)), MetricsSettings(port=0)),
        (ApiSettings(host="::", port=0, auth=AuthSettings(jwt_secret="s" * 32)), MetricsSettings(port=0)),
    ):
        take_ports(api, metrics).close()


def test_a_port_with_tls_says_so():
    tls = TlsSettings(certificate="of-nobody.pem")
    ports = take_ports(ApiSettings(port=0, tls=tls), ANY)
    ports.close()
    assert (ports.api.scheme, ports.metrics.scheme) == ("https", "http")


def test_an_address_that_is_not_ours_is_refused_with_its_settings():
    elsewhere = MetricsSettings(host="192.0.2.1", port=0, open_to_all=True)
    with pytest.raises(Refused, match=r"metrics\.host, metrics\.port: expected to listen at 192\.0\.2\.1"):
        take_ports(ApiSettings(port=0), elsewhere)


@pytest.mark.parametrize(
    ("host", "is_local"), [("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("localhost", True)]
)
def test_loopback_is_known(host, is_local):
    assert is_loopback(host) is is_local
