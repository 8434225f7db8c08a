"""Which pool does a router stand for: asked once of the factory that it trades with, and kept."""

from collections.abc import Mapping, Sequence

from eth_abi.abi import encode as _encode_abi

from tidemill._rust import keccak256
from tidemill.core.http import HttpEndpoint
from tidemill.execute.plan.kinds import HopKind
from tidemill.execute.plan.route import Address
from tidemill.execute.signal import Signal
from tidemill.execute.simulation.node import ask
from tidemill.schema.faults import Malformed, Refused

_GET_PAIR = keccak256(b"getPair(address,address)")[:4]
_GET_POOL = keccak256(b"getPool(address,address,uint24)")[:4]

_Asked = tuple[Address, bytes]
"""A factory, and the call data of its question."""


class Routers:
    """The routers of one chain."""

    def __init__(self, http: HttpEndpoint, factories: Mapping[Address, Address]) -> None:
        """`factories` has the factory of each router."""
        self._http = http
        self._factories = factories
        self._pools: dict[_Asked, Address] = {}

    async def pools_of(self, signal: Signal) -> Sequence[Address]:
        """Return for each hop what it calls: the pool of its router, or what is named where that is none.

        Raises: Refused, where a router's factory has no such pool; Unreachable, Malformed.
        """
        tokens_in = (signal.token, *signal.path[:-1])
        found: list[Address] = []
        for place, router in enumerate(signal.routers):
            factory = self._factories.get(router)
            if factory is None:
                found.append(router)
                continue
            tokens = tokens_in[place], signal.path[place]
            asked = factory, _question(signal.protocols[place], tokens, signal.extras[place])
            found.append(self._pools.get(asked) or await self._ask(asked, router, place))
        return found

    async def _ask(self, asked: _Asked, router: Address, place: int) -> Address:
        factory, data = asked
        call = {"to": "0x" + factory.hex(), "data": "0x" + data.hex()}
        [answer] = await ask(self._http, [("eth_call", [call, "latest"])])
        try:
            pool = bytes.fromhex(answer[2:])[12:32]
        except (TypeError, ValueError) as error:
            raise Malformed(
                f"{self._http.endpoint}: expected a pool's address, found {answer!r:.80}"
            ) from error
        if not any(pool):
            raise Refused(
                f"signal: expected routers[{place}], 0x{router.hex()}, to have a pool of both tokens,"
                f" its factory 0x{factory.hex()} knows none"
            )
        self._pools[asked] = pool
        return pool


def _question(kind: HopKind, tokens: tuple[Address, Address], extra: bytes) -> bytes:
    """Return what the factory is asked. Raises: Refused, where routers of that kind are not known."""
    if kind == HopKind.UNISWAP_V2:
        return _GET_PAIR + _encode_abi(["address", "address"], list(tokens))
    if kind == HopKind.UNISWAP_V3:
        return _GET_POOL + _encode_abi(["address", "address"], list(tokens)) + extra.rjust(32, b"\0")
    raise Refused(f"signal: expected a pool of protocol {int(kind)}, found a router; name the pool")
