"""What the decision loop made of each opportunity, and why: written down before anything is sent."""

from enum import StrEnum
from typing import ClassVar

from msgspec import Struct

from tidemill.schema.events.execution import ExecutionMode
from tidemill.schema.types import Count8, Count64, Hash, Int256, Name, Nanos, Ratio, Text, Usd


class DecisionState(StrEnum):
    """Where a decision is."""

    REFUSED = "refused"
    """Nothing is sent."""
    CHOSEN = "chosen"
    """A signal is to be sent."""
    ANSWERED = "answered"
    """The execution server took the signal and answered."""
    DECLINED = "declined"
    """It answered that it does not take it."""
    UNANSWERED = "unanswered"
    """It did not answer as long as the opportunity was fresh; whether it took the signal is not known."""


class Decision(Struct, frozen=True, kw_only=True, tag="decision"):
    """An opportunity was judged, or an answer came; the last event of an opportunity says where it is."""

    IDENTITY: ClassVar = ("chain_id", "opportunity", "mode", "sequence")
    ORDER: ClassVar = ("chain_id", "block_number", "opportunity", "sequence")

    event_ns: Nanos
    """When it was decided, or answered."""
    recv_ns: Nanos
    """When our socket read the frame that completed the opportunity's block."""
    source: Name
    """The chain's name in the configuration."""
    chain_id: Count64
    block_number: Count64
    """The newest block of the state that the opportunity was found in."""
    opportunity: Hash
    sequence: Count8
    """Of this event among the opportunity's, from 0."""
    mode: ExecutionMode
    state: DecisionState
    reason: Text
    """Why, in one sentence; of an answer, what it says."""
    idempotency_key: Text
    """What the signal is known by: the same, however often it is sent."""
    net_profit_usd: Usd | None = None
    """As the opportunity says; absent where it does not."""
    expected_profit_usd: Usd | None = None
    """The same with the chosen fee in place of the one it was found with."""
    min_profit: Int256 | None = None
    """What the signal asks for at least, raw units of the borrowed token; absent where it leaves that to the
    server, and where none is made."""
    risk_score: Ratio | None = None
    gas_trend: Name | None = None
    """rising, stable or falling; absent where nothing was forecast."""
    gas_forecast_gwei: Ratio | None = None
    """The median; absent as `gas_trend`."""
    gas_high_gwei: Ratio | None = None
    """More is expected with a probability of 5 %; absent as `gas_trend`."""
    predictor: Name | None = None
    """What told that."""
    market_state: Name | None = None
    """What the parameters were chosen by, such as `ethereum_medium_normal`."""
    slippage_percent: Ratio | None = None
    """Of what is borrowed, how much less than the gross profit is taken."""
    priority_fee_gwei: Ratio | None = None
    """For each unit of gas, above the base fee."""
