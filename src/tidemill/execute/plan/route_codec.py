"""How is a route written as the bytes that the executor contract reads, and those read back.

The layout is in contracts/executor.vy; a change there is a change here.
"""

from functools import lru_cache
from typing import assert_never

from tidemill._rust import keccak256
from tidemill.execute.plan.kinds import HopKind, LoanSource
from tidemill.execute.plan.route import (
    Address,
    BalancerV2Hop,
    BalancerV3Hop,
    CurveHop,
    Hop,
    Loan,
    PairHop,
    Route,
    SolidlyHop,
    TickedHop,
    UniswapV4Hop,
)
from tidemill.schema.faults import Malformed, Refused

HOPS_MAX = 10
"""Of one route: the contract's own bound."""

_EXECUTE = keccak256(b"execute(bytes)")[:4]
_WORD = 32
"""Bytes; also where the plan begins, as the ABI has a single argument of any length."""
_MIN_PROFIT_AT = (57, 73)
"""Bytes of a plan, after source, lender, token and amount."""
_HOPS_KEPT = 4_096
_NOBODY = bytes(20)
_NO_FEE_PPM = 1_000_000


def encode(route: Route) -> bytes:
    """Return the plan of `route`.

    Raises: Malformed where a number or an address does not fit; Refused where the contracts would surely
    revert: no circle, or a hop in what is locked while it lends.
    """
    _check(route)
    loan = route.loan
    plan = _number(loan.source, 1, "source") + _address(loan.lender) + _address(loan.token)
    plan += _number(loan.amount, 16, "amount") + _number(route.min_profit, 16, "least profit")
    plan += _number(route.last_block, 5, "last block") + _number(loan.fee_ppm, 3, "loan fee")
    return plan + b"".join(map(_encode_hop, route.hops))


def with_min_profit(plan: bytes, min_profit: int) -> bytes:
    """Return the plan of the same route that asks for another least profit. Raises: Malformed."""
    start, end = _MIN_PROFIT_AT
    return plan[:start] + _number(min_profit, end - start, "least profit") + plan[end:]


def call_data(plan: bytes) -> bytes:
    """Return the call data by which an operator has the executor carry out `plan`."""
    padding = bytes(-len(plan) % _WORD)
    return _EXECUTE + _WORD.to_bytes(_WORD) + len(plan).to_bytes(_WORD) + plan + padding


def decode(plan: bytes) -> Route:
    """Return the route of which `plan` is.

    Raises: Malformed.
    """
    reader = _Reader(plan)
    source = reader.number(1)
    if source not in set(LoanSource):
        raise Malformed(f"plan: expected a loan source of 0 to {max(LoanSource)}, found {source}")
    lender, token, amount = reader.take(20), reader.take(20), reader.number(16)
    min_profit, last_block, fee_ppm = reader.number(16), reader.number(5), reader.number(3)
    loan = Loan(source=LoanSource(source), lender=lender, token=token, amount=amount, fee_ppm=fee_ppm)
    hops: list[Hop] = []
    while not reader.is_at_end:
        hops.append(_decode_hop(reader))
    return Route(loan=loan, hops=tuple(hops), min_profit=min_profit, last_block=last_block)


def pool_called(hop: Hop) -> Address:
    """Return the contract that a hop calls: a pool, or the vault or manager that keeps it."""
    match hop:
        case PairHop() | SolidlyHop():
            return hop.pair
        case TickedHop() | CurveHop():
            return hop.pool
        case BalancerV2Hop() | BalancerV3Hop():
            return hop.vault
        case UniswapV4Hop():
            return hop.manager
        case _:
            assert_never(hop)


def _check(route: Route) -> None:
    loan, hops = route.loan, route.hops
    if not 1 <= len(hops) <= HOPS_MAX:
        raise Refused(f"route: expected 1 to {HOPS_MAX} hops, found {len(hops)}")
    if hops[-1].token_out != loan.token:
        raise Refused(
            f"route: expected to end in the borrowed 0x{loan.token.hex()}, found 0x{hops[-1].token_out.hex()}"
        )
    if loan.amount <= 0:
        raise Malformed(f"route: expected an amount above zero, found {loan.amount}")
    if not 0 <= loan.fee_ppm < _NO_FEE_PPM:
        raise Malformed(f"route: expected a loan fee of 0 to 999999 ppm, found {loan.fee_ppm}")
    token_in = loan.token
    for place, hop in enumerate(hops):
        if hop.token_out == token_in:
            raise Refused(
                f"route: hop {place} gives the token it takes, 0x{token_in.hex()}: it cannot profit"
            )
        if _NOBODY in (hop.token_out, token_in):
            raise Refused(f"route: hop {place} trades ether itself; expected tokens only")
        if _is_locked(loan, hop, place):
            raise Refused(
                f"route: hop {place} trades in 0x{loan.lender.hex()}, which is locked while it lends"
            )
        token_in = hop.token_out


def lends_by_its_hop(loan: Loan, first: Hop) -> bool:
    """Say whether the pair that lends is the first hop: it gives what the amount buys, and is paid later."""
    is_pair = isinstance(first, PairHop) and first.pair == loan.lender
    return is_pair and loan.source == LoanSource.UNISWAP_V2


def _is_locked(loan: Loan, hop: Hop, place: int) -> bool:
    """Return whether the lender lets nobody in until it is repaid; unlocked vaults let us."""
    match loan.source:
        case LoanSource.UNISWAP_V2 if place == 0 and lends_by_its_hop(loan, hop):
            return False
        case LoanSource.UNISWAP_V2 | LoanSource.UNISWAP_V3 | LoanSource.BALANCER_V2:
            return pool_called(hop) == loan.lender
        case _:
            return False


@lru_cache(_HOPS_KEPT)
def _encode_hop(hop: Hop) -> bytes:
    kind, own = _own_part(hop)
    return (
        bytes([kind])
        + _address(pool_called(hop))
        + _address(hop.token_out)
        + _number(hop.min_out, 16, "least out")
        + own
    )


def _own_part(hop: Hop) -> tuple[HopKind, bytes]:
    """Return a hop's kind, and what that kind needs beside pool and token."""
    match hop:
        case PairHop(fee_ppm=fee_ppm):
            return HopKind.UNISWAP_V2, _number(fee_ppm, 3, "fee")
        case TickedHop(kind=kind):
            return kind, b""
        case SolidlyHop():
            return HopKind.SOLIDLY, b""
        case CurveHop(coin_in=coin_in, coin_out=coin_out):
            places = _number(coin_in, 1, "coin") + _number(coin_out, 1, "coin")
            return HopKind.CURVE, places + bytes([hop.is_uint_indexed])
        case BalancerV2Hop(pool_id=pool_id):
            if len(pool_id) != 32:
                raise Malformed(f"route: expected a pool id of 32 bytes, found {len(pool_id)}")
            return HopKind.BALANCER_V2, pool_id
        case BalancerV3Hop(pool=pool):
            return HopKind.BALANCER_V3, _address(pool)
        case UniswapV4Hop(fee_ppm=fee_ppm, tick_spacing=spacing, hooks=hooks):
            key = _number(fee_ppm, 3, "fee") + _number(spacing, 3, "tick spacing")
            return HopKind.UNISWAP_V4, key + _address(hooks)
        case _:
            assert_never(hop)


def _decode_hop(reader: "_Reader") -> Hop:
    kind, pool = reader.number(1), reader.take(20)
    token_out, min_out = reader.take(20), reader.number(16)
    match kind:
        case HopKind.UNISWAP_V2:
            return PairHop(pair=pool, token_out=token_out, min_out=min_out, fee_ppm=reader.number(3))
        case HopKind.UNISWAP_V3 | HopKind.ALGEBRA:
            ticked = HopKind.UNISWAP_V3 if kind == HopKind.UNISWAP_V3 else HopKind.ALGEBRA
            return TickedHop(pool=pool, token_out=token_out, min_out=min_out, kind=ticked)
        case HopKind.SOLIDLY:
            return SolidlyHop(pair=pool, token_out=token_out, min_out=min_out)
        case HopKind.CURVE:
            coin_in, coin_out, is_uint_indexed = reader.number(1), reader.number(1), reader.number(1) == 1
            return CurveHop(
                pool=pool,
                token_out=token_out,
                min_out=min_out,
                coin_in=coin_in,
                coin_out=coin_out,
                is_uint_indexed=is_uint_indexed,
            )
        case HopKind.BALANCER_V2:
            return BalancerV2Hop(vault=pool, token_out=token_out, min_out=min_out, pool_id=reader.take(32))
        case HopKind.BALANCER_V3:
            return BalancerV3Hop(vault=pool, token_out=token_out, min_out=min_out, pool=reader.take(20))
        case HopKind.UNISWAP_V4:
            fee_ppm, spacing, hooks = reader.number(3), reader.number(3), reader.take(20)
            return UniswapV4Hop(
                manager=pool,
                token_out=token_out,
                min_out=min_out,
                fee_ppm=fee_ppm,
                tick_spacing=spacing,
                hooks=hooks,
            )
        case _:
            raise Malformed(f"plan: expected a hop of kind 0 to {max(HopKind)}, found {kind}")


def _number(value: int, byte_count: int, what: str) -> bytes:
    if not 0 <= value < 1 << (8 * byte_count):
        raise Malformed(f"route: expected a {what} of {byte_count} bytes, found {value}")
    return value.to_bytes(byte_count)


def _address(address: Address) -> bytes:
    if len(address) != 20:
        raise Malformed(f"route: expected an address of 20 bytes, found {len(address)}")
    return address


class _Reader:
    """Where in a plan one is."""

    def __init__(self, plan: bytes) -> None:
        self._plan = plan
        self._at = 0

    @property
    def is_at_end(self) -> bool:
        return self._at == len(self._plan)

    def take(self, byte_count: int) -> bytes:
        part = self._plan[self._at : self._at + byte_count]
        if len(part) < byte_count:
            raise Malformed(
                f"plan: expected {byte_count} bytes from {self._at} on, found its end at {len(self._plan)}"
            )
        self._at += byte_count
        return part

    def number(self, byte_count: int) -> int:
        return int.from_bytes(self.take(byte_count))
