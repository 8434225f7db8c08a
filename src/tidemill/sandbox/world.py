"""What a deployed world is: endpoints, contracts, tokens, pools, accounts; it can mine and reorganise."""

from typing import Literal

import msgspec
from msgspec import Struct

from tidemill.sandbox.rpc import Rpc
from tidemill.schema.faults import Malformed, Refused

Address = str
"""0x and 40 lower-case hex digits."""


class Factory(Struct, frozen=True):
    """A contract that creates pools."""

    address: Address
    protocol: Literal["uniswap_v2", "uniswap_v3"]
    dex: str
    fee_numerator: int | None
    """Of the fee taken from what comes in, over `fee_denominator`; None: each pool has its own."""
    fee_denominator: int
    router: Address
    """What swaps go through: Router02 (V2) or SwapRouter (V3)."""


class Token(Struct, frozen=True):
    """An ERC-20."""

    address: Address
    symbol: str
    decimals: int
    start_price_usd: int
    volatility_bps: float
    """Standard deviation of its fair price over one second."""


class Pool(Struct, frozen=True):
    """A pool with liquidity; `token0` < `token1` by address."""

    address: Address
    protocol: Literal["uniswap_v2", "uniswap_v3"]
    dex: str
    factory: Address
    token0: Address
    token1: Address
    fee_ppm: int
    """Taken from what comes in, millionths."""
    tick_spacing: int | None
    """None for V2."""


Protocol = Literal[
    "algebra_v1",
    "algebra_v2",
    "algebra_integral",
    "uniswap_v4",
    "balancer_v2_weighted",
    "balancer_v2_stable",
    "balancer_v3_weighted",
    "balancer_v3_stable",
    "curve_stable",
    "curve_stable_ng",
    "pancake_v3",
]
"""Kinds of pools beside Uniswap V2 and V3."""


class FurtherPool(Struct, frozen=True, kw_only=True):
    """A pool of another kind, with what is needed to ask it and to trade in it."""

    protocol: Protocol
    dex: str
    address: Address
    """The pool's contract; V4's manager, where pools have none of their own."""
    pool_id: str | None = None
    """32 bytes as 0x-hex; None where the address names the pool."""
    tokens: tuple[Address, ...]
    """Two or more in the pool's own order; a pool's own share token is left out."""
    fee_ppm: int | None = None
    """Millionths; None where it moves."""
    tick_spacing: int | None = None
    factory: Address | None = None
    vault: Address | None = None
    """What holds the tokens: Balancer's vault, V4's manager; None: the pool itself."""
    router: Address
    """What swaps are sent to."""
    quoter: Address
    """What tells the contracts' own answer."""
    manager: Address
    """What liquidity is added and taken out by."""
    state_view: Address | None = None
    """V4's StateView."""
    depth_usd: int
    """Value of what was put in."""


Oddity = Literal["fee_on_transfer", "rebasing", "lying_decimals", "reverting_views"]


class OddToken(Struct, frozen=True):
    """A token that does not keep to its standard, and a V2 pair with WETH that holds some of it."""

    address: Address
    oddity: Oddity
    decimals: int
    """The true ones."""
    pair: Address


class Accounts(Struct, frozen=True):
    """Unlocked accounts by what they do; the node signs for them."""

    deployer: Address
    provider: Address
    arbitrageurs: tuple[Address, ...]
    traders: tuple[Address, ...]


class World(Struct, frozen=True, kw_only=True):
    """A chain with contracts, all of it known; it holds no connection and can be written as JSON."""

    http_url: str
    ws_url: str
    chain_id: int
    node_pid: int
    deploy_block: int
    """The first block with a contract; a backfill from here sees everything."""
    ready_block: int
    """The last block of the set-up: after it only traders act."""
    weth: Address
    multicall: Address
    position_manager: Address
    quoter: Address
    tick_lens: Address
    arbitrage_hand: Address
    """Trades in circles, in one transaction each."""
    factories: tuple[Factory, ...]
    tokens: tuple[Token, ...]
    pools: tuple[Pool, ...]
    """Of Uniswap V2 and V3."""
    further_pools: tuple[FurtherPool, ...]
    odd_tokens: tuple[OddToken, ...]
    """Nobody trades them, and their pairs are of a factory that is not among `factories`."""
    accounts: Accounts

    async def head(self) -> int:
        """Return the number of the newest block."""
        async with Rpc(self.http_url) as rpc:
            return int(await rpc.call("eth_blockNumber"), 16)

    async def mine(self, blocks: int = 1) -> None:
        """Mine `blocks` blocks; what waits goes into the first."""
        async with Rpc(self.http_url) as rpc:
            await rpc.call("anvil_mine", hex(blocks))

    async def reorg(self, depth_blocks: int) -> None:
        """Replace the last blocks by as many empty ones; their transactions are forgotten.

        Raises: Refused where that would undo the set-up, or the node no longer keeps the state that deep.
        """
        async with Rpc(self.http_url) as rpc:
            latest = int(await rpc.call("eth_blockNumber"), 16)
            if latest - depth_blocks < self.ready_block:
                raise Refused(
                    f"reorg: expected at most the {latest - self.ready_block} blocks after the set-up, "
                    f"found a depth of {depth_blocks}"
                )
            await rpc.call("anvil_reorg", depth_blocks, [])

    def token(self, symbol: str) -> Token:
        """Return the token called `symbol`; a name that is not there is a bug."""
        return next(token for token in self.tokens if token.symbol == symbol)


def to_json(world: World) -> bytes:
    """Return the world as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(world), indent=2)


def from_json(text: bytes) -> World:
    """Return the world that `to_json` wrote.

    Raises: Malformed.
    """
    try:
        return msgspec.json.decode(text, type=World)
    except msgspec.DecodeError as error:
        raise Malformed(f"world file: expected a sandbox world, found: {error}") from error
