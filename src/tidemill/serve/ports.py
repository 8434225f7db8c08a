"""Take the ports of the data API and of the metrics, or say which setting changes them."""

import errno
import ipaddress
import socket
from contextlib import ExitStack
from typing import NamedTuple

from tidemill.schema.faults import Refused
from tidemill.serve.config import ApiSettings, MetricsSettings

_BACKLOG = 128
_LEFT_OUT = ", or leave both servers out with --no-api"


class Port(NamedTuple):
    """A port that is ours and listens."""

    socket: socket.socket
    host: str
    scheme: str = "http"

    @property
    def url(self) -> str:
        """Where it is reached from this machine."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.socket.getsockname()[1]}"


class Ports(NamedTuple):
    """Those of one server."""

    api: Port
    metrics: Port

    def close(self) -> None:
        """Give them back."""
        self.api.socket.close()
        self.metrics.socket.close()


def take_ports(api: ApiSettings, metrics: MetricsSettings) -> Ports:
    """Return both ports, listening.

    Raises: Refused, where one is taken or cannot be had, naming its setting; where one would listen where
    other machines reach it and ask nobody who they are.
    """
    if not api.auth.is_on:
        check_loopback("api.host", api.host, "")
        if not metrics.open_to_all:
            check_loopback("metrics.host", metrics.host, ", or metrics.open_to_all = true")
    with ExitStack() as taken:
        first = take_port("api", "TIDEMILL_API_PORT", api.host, api.port, _LEFT_OUT)
        taken.callback(first.socket.close)
        second = take_port("metrics", "PROMETHEUS_PORT", metrics.host, metrics.port, _LEFT_OUT)
        taken.pop_all()
    if api.tls.certificate is None:
        return Ports(first, second)
    is_local = is_loopback(metrics.host)
    return Ports(first._replace(scheme="https"), second if is_local else second._replace(scheme="https"))


def share_ports(api: ApiSettings, metrics: MetricsSettings) -> list[Ports]:
    """Return the ports of each of `api.workers`: one for all of the API, one after the other of the metrics.

    Raises: Refused, as `take_ports` does.
    """
    first = take_ports(api, metrics)  # alone, so that nobody else listens there already
    port = first.api.socket.getsockname()[1]
    first.close()
    with ExitStack() as taken:
        shared: list[Ports] = []
        for number in range(api.workers):
            mine = take_port("api", "TIDEMILL_API_PORT", api.host, port, is_shared=True)
            taken.callback(mine.socket.close)
            counting = metrics.port and metrics.port + number
            counted = take_port("metrics", "PROMETHEUS_PORT", metrics.host, counting)
            taken.callback(counted.socket.close)
            shared.append(
                Ports(mine._replace(scheme=first.api.scheme), counted._replace(scheme=first.metrics.scheme))
            )
        taken.pop_all()
    return shared


def is_loopback(host: str) -> bool:
    """Say whether only this machine reaches `host`; of names, only localhost is known to be so."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_loopback(setting: str, host: str, otherwise: str) -> None:
    """Raise Refused, where other machines reach `host`."""
    if not is_loopback(host):
        raise Refused(
            f"{setting}: expected an address of this machine alone, such as 127.0.0.1, found {host}: nobody"
            f" is asked who they are. Set api.auth.enabled = true (TIDEMILL_API_AUTH_ENABLED), for keys of"
            f" `tidemill keys create`, or JWT_SECRET{otherwise}"
        )


def take_port(
    section: str, variable: str, host: str, port: int, otherwise: str = "", *, is_shared: bool = False
) -> Port:
    """Return a port, listening; `otherwise` says what else may be done where it is taken, and more sockets of
    one that `is_shared` may listen there, among which connections are dealt out.

    Raises: Refused, where it is taken or cannot be had, naming the setting.
    """
    try:
        (family, kind, protocol, _, address), *_ = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        # named, for asyncio turns Nagle's delay off only where it is: an answer in two parts took 40 ms more
        taken = socket.socket(family, kind, protocol)
        try:
            taken.setsockopt(
                socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
            )  # of an earlier run's last connections
            if is_shared:
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            taken.bind(address)
            taken.listen(_BACKLOG)
        except BaseException:
            taken.close()
            raise
    except OSError as fault:
        if fault.errno == errno.EADDRINUSE:
            raise Refused(
                f"{section}.port: expected port {port} of {host} to be free, it is taken; set {section}.port"
                f" or {variable} to another, or to 0 for any{otherwise}"
            ) from None
        raise Refused(
            f"{section}.host, {section}.port: expected to listen at {host} port {port}: {fault.strerror}"
        ) from None
    return Port(taken, host)
