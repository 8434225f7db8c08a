"""What can be set of execution: [execution], its limits, paper's rules, a chain's lenders and tokens."""

from typing import Annotated

from msgspec import Meta, Struct

from tidemill.chains.evm.config import AddressText, ChainId, Positive
from tidemill.execute.chain_facts import FeeRule
from tidemill.execute.live.live_config import LiveChainConfig, LiveSettings
from tidemill.schema.events import ExecutionMode

Port = Annotated[int, Meta(ge=0, le=65_535)]
SlippageBps = Annotated[int, Meta(ge=0, le=10_000)]
Wei = Annotated[int, Meta(ge=0)]


class ExecutionLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [execution.limits]: what no trade may go beyond; where absent, there is no limit.

    LIVE needs `open_max`, `trades_a_day_max`, `fee_a_day_max_wei` and `gas_price_max_wei`.
    """

    slippage_max_bps: SlippageBps = 5_000
    """How much of the simulated profit may be gone when the trade is included; with less it reverts. Half:
    what is left still pays, and a trade that was only just worth it is not sent into the fee alone."""
    open_max: Positive | None = None
    """Trades of one chain that are under way at a time."""
    trades_a_day_max: Positive | None = None
    """Of one chain, by UTC's day."""
    fee_a_day_max_wei: Wei | None = None
    """What trades of one chain may cost in the gas token, by UTC's day."""
    gas_price_max_wei: Positive | None = None
    """For a unit of gas, base fee and priority fee."""
    only_listed_tokens: bool = False
    """Whether only tokens that the chain's `tokens` name may be borrowed."""


class PaperSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [execution.paper]: how it is judged what would have come of a trade."""

    inclusion_blocks: Positive = 1
    """In which block after the one that it was simulated on it would have been included: the next one."""
    position: Annotated[str, Meta(pattern="^(first|last)$")] = "last"
    """Where in it: `last`, after all that really were in it, is the worst case; `first` the best. What both
    would have gained is in the ledger."""
    priority_fee_wei: Wei = 0
    """What it would have paid over the base fee for a unit of gas."""


class TokenConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token that may be borrowed."""

    address: AddressText
    decimals: Annotated[int, Meta(ge=0, le=77)] | None = None
    is_dollar: bool = False
    """Whether a whole one is taken for a dollar; needs `decimals`. Profits in other tokens are told in their
    own units alone."""
    amount_max: Annotated[str, Meta(pattern="^[0-9]{1,39}$")] | None = None
    """The most that one trade may borrow, smallest units."""
    amount_a_day_max: Annotated[str, Meta(pattern="^[0-9]{1,39}$")] | None = None


class RouterConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A router that signals may name in place of a pool, and the factory that knows its pools."""

    address: AddressText
    factory: AddressText


class ExecutionChainConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [execution.chains.<name>]; a chain that is known needs none but RPC_<NAME>."""

    source: str
    """The chain's name in every event."""
    chain_id: ChainId | None = None
    """Absent where the name is of a chain that is known."""
    http_url: str | None = None
    """Absent where [chains.<name>] or RPC_<NAME> has it."""
    executor_address: AddressText | None = None
    """Absent: `execution.executor_address`."""
    fallback_urls: tuple[str, ...] = ()
    """Further endpoints of the chain, after `http_url` or those of [chains.<name>]: asked where one before
    them does not answer. They may hold secrets."""
    fee_rule: FeeRule | None = None
    """How the chain charges for a transaction; absent: as it is known of the chain, or eip1559."""
    block_ms: Positive | None = None
    """Between two blocks; absent: as it is known of the chain, or 1 s."""
    poll_ms: Positive | None = None
    """How often the newest block is asked for; absent: a quarter of `block_ms`, at least 50 ms."""
    aave_v3: AddressText | None = None
    """Lenders, where they are not the ones that are known."""
    balancer_v2: AddressText | None = None
    balancer_v3: AddressText | None = None
    uniswap_v2: AddressText | None = None
    """A pair that lends the token; there is none that lends all."""
    uniswap_v3: AddressText | None = None
    """A pool that lends the token."""
    uniswap_v4: AddressText | None = None
    """The manager."""
    morpho: AddressText | None = None
    tokens: tuple[TokenConfig, ...] = ()
    routers: tuple[RouterConfig, ...] = ()
    """Further ones."""
    allowed_routers: tuple[AddressText, ...] = ()
    """The only pools, vaults and routers that a signal may name; empty: all."""
    live: LiveChainConfig = LiveChainConfig()


class ExecutionSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [execution]: the server that takes trade signals."""

    enabled: bool = False
    """Whether `up` serves it too; `tidemill execute` does in any case."""
    mode: ExecutionMode = ExecutionMode.PAPER
    """EXECUTION_MODE. PAPER sends nothing."""
    host: str = "localhost"
    """EXECUTION_HOST. An address that other machines reach needs `api.auth`."""
    port: Port = 8545
    """EXECUTION_PORT; 0 takes any that is free. Local chain nodes have the same one."""
    executor_address: AddressText | None = None
    """EXECUTOR_ADDRESS. On paper, where it is absent, the executor's code is put onto the chain for each
    simulation."""
    queue_max: Positive = 1_024
    """Signals of each chain that wait at a time; a further one is answered with 429."""
    valid_blocks: Positive = 3
    """A transaction may be included in one of so many blocks after the one it was simulated on."""
    answer_timeout_ms: Positive = 10_000
    """How long a chain's endpoint may take for one question."""
    limits: ExecutionLimits = ExecutionLimits()
    paper: PaperSettings = PaperSettings()
    live: LiveSettings = LiveSettings()
    chains: dict[str, ExecutionChainConfig] = {}
