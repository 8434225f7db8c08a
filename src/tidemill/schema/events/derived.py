"""What tidemill works out from a chain: opportunities, each with the exact inputs that reproduce it."""

from enum import StrEnum
from typing import ClassVar

from msgspec import Struct

from tidemill.schema.types import (
    Address,
    Count8,
    Count32,
    Count64,
    Hash,
    Int256,
    Name,
    Nanos,
    Text,
    Tick,
    Uint128,
    Uint256,
    Usd,
)


class OpportunityKind(StrEnum):
    """What makes the profit."""

    CYCLE = "cycle"
    """Two to four swaps in a circle, where that is not a gap."""
    PAIR_GAP = "pair_gap"
    """Two swaps of the same two tokens, at different exchanges or at an order book."""


class Opportunity(Struct, frozen=True, kw_only=True, tag="opportunity"):
    """A path of swaps that begins and ends with one token and, on the state after a block, pays more than it
    costs.

    Its hops, with the state of each pool, are in `opportunity_hop`. All amounts are raw units of `token`.
    """

    IDENTITY: ClassVar = ("chain_id", "opportunity")
    ORDER: ClassVar = ("chain_id", "block_number", "opportunity")

    event_ns: Nanos
    """The block's timestamp."""
    recv_ns: Nanos
    """When our socket read the frame that completed the block."""
    source: Name
    """The chain's name in the configuration."""
    chain_id: Count64
    block_number: Count64
    """The newest block of the state that it was found in."""
    block_hash: Hash
    opportunity: Hash
    """Keccak-256 of the block's hash and of each hop's pool and tokens, and of a book's `levels`, in the
    order of the swaps.
    """
    kind: OpportunityKind
    token: Address
    hop_count: Count8
    rank: Count32
    """Its place among those found in one search, the most profitable first, from 1."""
    amount_in: Uint256
    """The amount that leaves the most, to the unit."""
    gross_profit: Uint256
    """What comes back less what went in: swap fees are paid."""
    flash_premium: Uint256
    """What the lender of `amount_in` asks."""
    gas: Count64 | None = None
    """Units of gas that the transaction is expected to take; absent where a hop's were never measured."""
    gas_price_wei: Uint256 | None = None
    """Base fee of the block and priority fee; absent before EIP-1559."""
    fee_wei: Uint256 | None = None
    """Gas and, on rollups, the data fee, in the gas token."""
    net_profit: Uint256 | None = None
    """What is left after all costs; absent where `gas` is, or the price of the gas token in `token`."""
    net_profit_wei: Uint256 | None = None
    """The same in the gas token."""
    break_even_gas_price_wei: Uint256 | None = None
    """The highest price of a unit of gas at which it does not lose."""
    net_profit_usd: Usd | None = None
    """`net_profit` at `usd_per_unit`; absent where either is."""
    usd_per_unit: Usd | None = None
    """What a raw unit of `token` is worth; absent where no pool leads to a stable token within two steps."""
    usd_pool_1: Address | None = None
    """The pool that prices `token`, the deepest of those that trade it for a token nearer to a stable one;
    absent where `token` itself is taken for a dollar, or has no price.
    """
    usd_token_1: Address | None = None
    """What that pool trades it for."""
    usd_pool_2: Address | None = None
    """The pool that prices `usd_token_1`; absent where that is taken for a dollar."""
    usd_token_2: Address | None = None
    """What that pool trades it for: a stable token."""


class OpportunityHop(Struct, frozen=True, kw_only=True, tag="opportunity_hop"):
    """One swap of an opportunity, with the state of pool or order book that its amounts come from."""

    IDENTITY: ClassVar = ("chain_id", "opportunity", "hop")
    ORDER: ClassVar = ("chain_id", "block_number", "opportunity", "hop")

    event_ns: Nanos
    """The block's timestamp."""
    recv_ns: Nanos
    """When our socket read the frame that completed the block."""
    source: Name
    """The chain's name in the configuration."""
    chain_id: Count64
    block_number: Count64
    block_hash: Hash
    opportunity: Hash
    hop: Count8
    """Its place in the path, from 0."""
    pool: Address
    """Of an order book the first 20 bytes of the keccak-256 of `venue/instrument`."""
    protocol: Name
    """`order_book`, or the kind of pool."""
    dex: Name
    """The exchange; of an order book its venue."""
    instrument: Text | None = None
    """Of an order book."""
    token_in: Address
    token_out: Address
    amount_in: Uint256
    amount_out: Uint256
    ticks_crossed: Count32
    reserve0: Uint128 | None = None
    reserve1: Uint128 | None = None
    sqrt_price_x96: Uint256 | None = None
    liquidity: Uint128 | None = None
    tick: Tick | None = None
    levels: Text | None = None
    """Of an order book: the levels that the swap takes, as `price@size` of whole tokens, the best first."""
    taker_fee_ppm: Count32 | None = None
    """Of an order book: the taker's fee, in millionths of what is received."""
    lot_size: Text | None = None
    """Of an order book: whole base tokens that the size of an order is a multiple of."""
    called: Address | None = None
    """The contract that a transaction calls to trade there: the pool, or the vault or manager that holds it;
    absent of an order book, and where tidemill's executor cannot trade so.
    """
    extra: Text | None = None
    """What the call names beside the tokens, 0x and words of the ABI: `extras` of an execution's signal."""


class AutopsyCause(StrEnum):
    """What became of an opportunity."""

    TAKEN = "taken"
    """A transaction closed a circle: it lost of no token and gained of one."""
    CLOSED_BY_TRADE = "closed_by_trade"
    """A transaction that is no arbitrage, as far as its swaps in followed pools show."""
    CLOSED_BY_LIQUIDITY = "closed_by_liquidity"
    """A transaction that moved the pools without a swap."""
    CLOSED_BY_BOOK = "closed_by_book"
    """An order book of its path changed; `died_block_number` is the block after which it did."""
    COSTS = "costs"
    """No transaction: its costs rose above its profit."""
    REORGED = "reorged"
    """The block that it was found after was reverted; followed again where that block comes back."""
    OUTLIVED = "outlived"
    """It still pays; it is not followed any longer, and followed anew where it is found again."""
    UNKNOWN = "unknown"
    """A pool could not be asked, or was read anew, or a block was not seen, or a book was void."""


class OpportunityAutopsy(Struct, frozen=True, kw_only=True, tag="opportunity_autopsy"):
    """What became of an opportunity: when it died, who took it, and what it would have paid later.

    It is one opportunity while its path (pools, directions, token) still pays, told under the id of its first
    finding. It dies with the first block, or change of an order book, after which its best net profit, or
    where costs are not known its gross one, is not above zero. Profits are raw units of `token`, on the state
    some blocks after `born_block_number`; absent where they are not known, or not followed for so long.
    """

    IDENTITY: ClassVar = ("chain_id", "opportunity", "block_hash", "sequence")
    ORDER: ClassVar = ("chain_id", "block_number", "opportunity")

    event_ns: Nanos
    """The timestamp of the block `block_hash`."""
    recv_ns: Nanos
    source: Name
    """The chain's name in the configuration."""
    chain_id: Count64
    block_number: Count64
    """The block after which all of this was known; of a reorged one that of its birth."""
    block_hash: Hash
    sequence: Count64
    """0; of a reorged one the count of the chain's corrections."""
    opportunity: Hash
    path: Hash
    """Keccak-256 of each hop's pool and tokens: the same of every finding of the opportunity."""
    token: Address
    hop_count: Count8
    cause: AutopsyCause
    born_block_number: Count64
    born_block_hash: Hash
    born_ns: Nanos
    """The timestamp of that block."""
    followed_blocks: Count32
    """Blocks after its birth until it died, or as far as it is known to have paid."""
    followed_ns: Count64
    """The time between the timestamps of these blocks, ns."""
    died_block_number: Count64 | None = None
    """Absent where it is not known to have died."""
    taker_tx_hash: Hash | None = None
    """The transaction of that block that took most of the profit, of those up to the first after which
    nothing was left; absent where none did.
    """
    taker_tx_index: Count32 | None = None
    taker_tx_count: Count32 | None = None
    """Its recipient's transactions in the block that together closed the circle: 1 where it did alone."""
    taker_sender: Address | None = None
    """Who called the pool of its last swap: often a router."""
    taker_recipient: Address | None = None
    """Whom its last swap paid."""
    taken_token: Address | None = None
    """`token` where it gained of that, else another that it gained of; absent for what is not `taken`."""
    taken: Uint256 | None = None
    """What it gained of `taken_token` over all followed pools, before its gas."""
    sent_gross_0: Int256 | None = None
    """What the transaction as it was found would have made right away, before costs; below zero is a loss.
    Absent where a pool would have refused it.
    """
    sent_gross_1: Int256 | None = None
    """The same one block later."""
    sent_gross_2: Int256 | None = None
    sent_net_0: Int256 | None = None
    """The same after all costs."""
    sent_net_1: Int256 | None = None
    sent_net_2: Int256 | None = None
    best_gross_0: Uint256 | None = None
    """What the best size would have made, before costs; 0 where none makes anything."""
    best_gross_1: Uint256 | None = None
    best_gross_2: Uint256 | None = None
    best_net_0: Uint256 | None = None
    """The same after all costs; 0 where nothing is left."""
    best_net_1: Uint256 | None = None
    best_net_2: Uint256 | None = None
