"""From which address does a call come, and may that address call."""

import ipaddress
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from tidemill.schema.faults import Refused

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
_IPV6_SITE_BITS = 64
"""What one subscriber has: to count single addresses of it would be to count nothing."""


def networks_of(setting: str, written: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks; an address alone is a network of one. Raises: Refused, naming the setting."""
    found: list[Network] = []
    for text in written:
        try:
            found.append(ipaddress.ip_network(text))
        except ValueError as error:
            raise Refused(
                f"{setting}: expected networks such as 10.0.0.0/8, found {text!r}: {error}"
            ) from None
    return tuple(found)


class Addresses:
    """Which addresses may call, and which of them are proxies of our own."""

    def __init__(self, allowed: tuple[Network, ...], proxies: tuple[Network, ...]) -> None:
        self._allowed = allowed
        self._proxies = proxies

    def caller(self, peer: str | None, forwarded: list[str]) -> Address | None:
        """Return the address that calls: `peer`'s own or, where that is a proxy of ours, the last one of
        `forwarded` (the values of X-Forwarded-For, in order) that is no proxy of ours; None where a proxy of
        ours says what is no address.

        What stands before it was written by who calls, and proves nothing.
        """
        address = _address(peer or "")
        if address is None or not self.is_proxy(address):
            return address
        for hop in reversed([hop.strip() for value in forwarded for hop in value.split(",")]):
            address = _address(hop)
            if address is None or not self.is_proxy(address):
                return address
        return address

    def may_call(self, address: Address | None) -> bool:
        """Say whether the address is among those that may."""
        return not self._allowed or (address is not None and _is_in(address, self._allowed))

    def is_proxy(self, address: Address) -> bool:
        """Say whether the address is a proxy of ours."""
        return _is_in(address, self._proxies)

    def is_proxy_at(self, peer: str) -> bool:
        """Say the same of an address as it is written."""
        address = _address(peer)
        return address is not None and self.is_proxy(address)


def site_of(address: Address | None) -> str:
    """Return whose requests count together: an IPv4 address, or the /64 network of an IPv6 one."""
    if isinstance(address, IPv6Address):
        return str(ipaddress.ip_network((address, _IPV6_SITE_BITS), strict=False))
    return str(address)


def _is_in(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)  # never, where the versions differ


def _address(text: str) -> Address | None:
    """Return an address, without a port; IPv4 that came over an IPv6 socket is IPv4."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
