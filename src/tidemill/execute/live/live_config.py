"""What can be set of trades that are sent live: the account, what stops it, each chain's way to a block."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from tidemill.chains.evm.config import AddressText, Positive
from tidemill.execute.account.fees import FeePolicy
from tidemill.execute.live.stopping import StopLimits
from tidemill.schema.faults import Refused


class WalletConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [execution.live.wallet]: one way to the account's key; without any, PRIVATE_KEY in the
    environment.
    """

    key_file: str | None = None
    """A file of 64 hexadecimal digits that its owner alone may read (mode 0600)."""
    keystore: str | None = None
    """An encrypted keystore (Web3 Secret Storage), mode 0600; its password is in KEYSTORE_PASSWORD or
    `password_file`."""
    password_file: str | None = None
    """A file with the keystore's password alone, mode 0600."""
    signer_url: str | None = None
    """A program that keeps the key and answers `eth_signTransaction`, such as clef or web3signer."""
    signer_address: AddressText | None = None
    """The account that `signer_url` signs for."""


class Way(StrEnum):
    """How a transaction is handed over."""

    MEMPOOL = "mempool"
    PROTECTED_NODE = "protected_node"
    FLASHBOTS = "flashbots"
    PROTECT = "protect"
    MEV_SHARE = "mev_share"


class StopSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [execution.live.stop]: what engages the kill switch by itself."""

    daily_loss_max_wei: Annotated[int, Meta(ge=1)] | None = None
    """The most gas that a day (UTC) may cost on one chain for transactions that earned nothing. LIVE does not
    start without it."""
    head_age_max_ms: Positive = 60_000
    """A newest block older than this is stale: five missed blocks of the slowest chain."""
    unknown_max_ms: Positive = 60_000
    """So long may the outcome of a transaction be unknown; until then it only holds up the next one."""

    @property
    def limits(self) -> StopLimits:
        """What holds. Raises: Refused where it is not all set."""
        if self.daily_loss_max_wei is None:
            raise Refused("execution.live.stop.daily_loss_max_wei: expected a limit for LIVE, found none")
        return StopLimits(
            daily_loss_max_wei=self.daily_loss_max_wei,
            head_age_max_ms=self.head_age_max_ms,
            unknown_max_ms=self.unknown_max_ms,
        )


class LiveChainConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [execution.chains.<name>.live]: how a chain's transactions go, and when they count."""

    way: Way = Way.MEMPOOL
    """Relays are of Ethereum, protected nodes of some other chains."""
    url: str | None = None
    """The relay or the protected node; the mempool takes the chain's own node."""
    final_blocks: Positive | None = None
    """So many blocks, its own with it, make a transaction settled; absent: as it is known of the chain."""
    replace_after_blocks: Positive = 2
    """What waits so long is offered with higher fees: at least 12.5 % of both."""
    gas_max: Annotated[int, Meta(ge=21_000, le=1 << 32)] = 1 << 24
    """The most gas of one transaction: Ethereum takes no more (EIP-7825)."""


class LiveSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [execution.live]: what LIVE needs, and PAPER does not read."""

    confirm: AddressText | None = None
    """EXECUTION_CONFIRM: the account's own address, written out by who wants its money traded with."""
    wallet: WalletConfig = WalletConfig()
    fees: FeePolicy = FeePolicy()
    is_forecast: bool = False
    """Whether the forecaster that `tidemill train` left in the data folder's `models` says how much room an
    offer has for the base fee to rise, within the limits. Otherwise, and before it has seen enough blocks,
    EIP-1559's own rule does. The tip is always of what the last blocks' transactions paid."""
    stop: StopSettings = StopSettings()
