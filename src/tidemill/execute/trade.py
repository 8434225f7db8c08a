"""What is a trade: a signal that was received, the route that it stands for, and what is known of it."""

from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from tidemill._rust import keccak256
from tidemill.execute.plan.kinds import HopKind
from tidemill.execute.plan.route import Address, Route
from tidemill.execute.signal import Signal
from tidemill.execute.simulation.simulation import Simulation
from tidemill.schema.events import Execution, ExecutionMode, ExecutionSource, ExecutionState

_ROUTES_KEPT = 4_096


class Received(Struct, frozen=True, kw_only=True):
    """A signal, and what names it from now on."""

    execution_id: bytes
    signal: Signal
    digest: bytes
    """The signal's."""
    chain: str
    """Its name in the configuration."""
    mode: ExecutionMode
    recv_ns: int


class Simulated(Struct, frozen=True, kw_only=True):
    """What a trade would do on the state after the newest block, as the first one of the next."""

    simulation: Simulation
    profit: int
    """Smallest units of the borrowed token that the owner gains."""


class Trade(Struct, frozen=True, kw_only=True):
    """A trade that every limit allows, ready to be sent."""

    received: Received
    route: Route
    """With the least profit and the last block that it is to be sent with."""
    plan: bytes
    """`route`, as the executor reads it."""
    simulated: Simulated
    gas_price_max_wei: int
    """The most that a unit of gas may cost."""
    told: Execution
    """Its newest event; the next one is made of it by `after`."""


def received(signal: Signal, *, chain: str, mode: ExecutionMode, recv_ns: int, count: int) -> Received:
    """Return a signal with the name of its trade; `count` tells those apart that came at once."""
    digest = signal.digest
    return Received(
        execution_id=keccak256(f"{mode}\n{recv_ns}\n{count}\n{digest.hex()}".encode()),
        signal=signal,
        digest=digest,
        chain=chain,
        mode=mode,
        recv_ns=recv_ns,
    )


def first_event(one: Received) -> Execution:
    """Return the event of a signal that was received."""
    signal = one.signal
    return Execution(
        event_ns=one.recv_ns,
        recv_ns=one.recv_ns,
        source=one.chain,
        chain_id=signal.chain_id,
        execution_id=one.execution_id,
        sequence=0,
        mode=one.mode,
        state=ExecutionState.RECEIVED,
        signal_digest=one.digest,
        idempotency_key=signal.idempotency_key,
        token=signal.token,
        amount=signal.amount,
        loan_source=ExecutionSource[signal.flash_source.name],
        route=_route_text(signal.protocols, signal.routers),
        expected_profit_usd=signal.expected_profit_usd,
    )


@lru_cache(_ROUTES_KEPT)
def _route_text(kinds: tuple[HopKind, ...], pools: tuple[Address, ...]) -> str:
    return " > ".join(f"{kind.name.lower()}:0x{pool.hex()}" for kind, pool in zip(kinds, pools, strict=True))


def after(told: Execution, state: ExecutionState, event_ns: int, **changes: Any) -> Execution:
    """Return the event that follows `told`: the same trade, in `state`, with `changes` to its fields."""
    changes.setdefault("reason", None)
    return msgspec.structs.replace(
        told, state=state, event_ns=max(event_ns, told.event_ns), sequence=told.sequence + 1, **changes
    )


def is_settled(told: Execution) -> bool:
    """Say whether nothing more will come of a trade; on paper, also where it could not be judged."""
    return told.state in _SETTLED or (told.mode, told.state) == (ExecutionMode.PAPER, ExecutionState.UNKNOWN)


_SETTLED = frozenset(
    {
        ExecutionState.REFUSED,
        ExecutionState.FAILED,
        ExecutionState.FINAL,
        ExecutionState.DROPPED,
        ExecutionState.REPLACED,
        ExecutionState.PAPER_FILLED,
        ExecutionState.PAPER_MISSED,
    }
)
