"""How does each kind of subgraph call its pools, swaps and amounts: a table.

A field is a path of the indexer's own names. Sources, read 2026-11: Uniswap/v3-subgraph, Uniswap/v2-subgraph,
sushiswap/subgraphs (v2), cryptoalgebra/Algebra_Subgraph, balancer/balancer-subgraph-v2 and -v3 (v3-vault),
messari/subgraphs schema-dex-amm.graphql 1.2.0.
"""

from enum import StrEnum

from msgspec import Struct


class Direction(StrEnum):
    """How a swap says which token came in."""

    SIGNED = "signed"
    """One amount a token, positive into the pool."""
    SIDED = "sided"
    """Two amounts a token: in, out."""
    DIRECTED = "directed"
    """The first token came in, the second went out."""


class FeeUnit(StrEnum):
    """How a pool says its fee."""

    PPM = "ppm"
    FRACTION = "fraction"
    PERCENT_LIST = "percent_list"
    """Several fees in percent; the one with a type …TRADING_FEE is the swap's."""


class Leg(Struct, frozen=True):
    """One token of a swap."""

    token: str
    amounts: tuple[str, ...]


class SwapFields(Struct, frozen=True, kw_only=True):
    """Where a swap's parts are."""

    entity: str = "swaps"
    time: str = "timestamp"
    tx_hash: str
    pool: str
    """The pool's id, whose first 20 bytes are its address."""
    pool_filter: str
    """The `where` argument that names pools, without `_in`."""
    sender: str
    recipient: str | None = None
    block_number: str | None = None
    log_index: str | None = None
    direction: Direction
    legs: tuple[Leg, Leg]
    decimals: tuple[str, str] | None = None
    """Each leg's decimals; None where the token list has them, or the registry."""
    token_list: str | None = None
    """The pool's tokens, each with `address` and `decimals`."""


class PoolFields(Struct, frozen=True, kw_only=True):
    """Where a pool's parts are; its tokens are a pair of paths, or a list."""

    entity: str
    kind: str | None = None
    fee: str | None = None
    fee_unit: FeeUnit = FeeUnit.PPM
    sqrt_price_x96: str | None = None
    liquidity: str | None = None
    tick: str | None = None
    tokens: tuple[str, ...]
    """A path for each of two tokens, or one path to a list of them."""
    token: str = "id"  # noqa: S105 the name of a field
    """The token's address in each of these."""
    balances: tuple[str, ...]
    """As `tokens`: a path for each; in a list, a field of the token, or a list beside it that begins with
    a slash."""


class Dialect(Struct, frozen=True, kw_only=True):
    """One kind of subgraph."""

    dexes: tuple[str, ...]
    """Whose subgraphs are of this kind."""
    swap: SwapFields
    pool: PoolFields
    is_raw: bool = False
    """Whether amounts are raw units already, and not decimal."""


_V3_SWAP = SwapFields(
    tx_hash="transaction.id",
    block_number="transaction.blockNumber",
    log_index="logIndex",
    pool="pool.id",
    pool_filter="pool",
    sender="sender",
    recipient="recipient",
    direction=Direction.SIGNED,
    legs=(Leg("token0.id", ("amount0",)), Leg("token1.id", ("amount1",))),
    decimals=("token0.decimals", "token1.decimals"),
)


def _v3_pool(fee: str) -> PoolFields:
    return PoolFields(
        entity="pools",
        fee=fee,
        sqrt_price_x96="sqrtPrice",
        liquidity="liquidity",
        tick="tick",
        tokens=("token0", "token1"),
        balances=("totalValueLockedToken0", "totalValueLockedToken1"),
    )


_BALANCER_LEGS = (Leg("tokenIn", ("tokenAmountIn",)), Leg("tokenOut", ("tokenAmountOut",)))

DIALECTS: dict[str, Dialect] = {
    "uniswap_v3": Dialect(
        dexes=("uniswap_v3", "sushiswap_v3", "pancakeswap_v3"), swap=_V3_SWAP, pool=_v3_pool("feeTier")
    ),
    "algebra": Dialect(dexes=("quickswap_v3",), swap=_V3_SWAP, pool=_v3_pool("fee")),
    "uniswap_v2": Dialect(
        dexes=("uniswap_v2", "sushiswap_v2", "quickswap_v2"),
        swap=SwapFields(
            tx_hash="transaction.id",
            block_number="transaction.blockNumber",
            log_index="logIndex",
            pool="pair.id",
            pool_filter="pair",
            sender="sender",
            recipient="to",
            direction=Direction.SIDED,
            legs=(
                Leg("pair.token0.id", ("amount0In", "amount0Out")),
                Leg("pair.token1.id", ("amount1In", "amount1Out")),
            ),
            decimals=("pair.token0.decimals", "pair.token1.decimals"),
        ),
        pool=PoolFields(entity="pairs", tokens=("token0", "token1"), balances=("reserve0", "reserve1")),
    ),
    "messari": Dialect(
        dexes=("curve",),
        swap=SwapFields(
            tx_hash="hash",
            block_number="blockNumber",
            log_index="logIndex",
            pool="pool.id",
            pool_filter="pool",
            sender="from",
            recipient="to",
            direction=Direction.DIRECTED,
            legs=(Leg("tokenIn.id", ("amountIn",)), Leg("tokenOut.id", ("amountOut",))),
        ),
        pool=PoolFields(
            entity="liquidityPools",
            fee="fees",
            fee_unit=FeeUnit.PERCENT_LIST,
            tokens=("inputTokens",),
            balances=("/inputTokenBalances",),
        ),
        is_raw=True,
    ),
    "balancer_v2": Dialect(
        dexes=("balancer_v2",),
        swap=SwapFields(
            tx_hash="tx",
            pool="poolId.id",
            pool_filter="poolId",
            sender="caller",
            direction=Direction.DIRECTED,
            legs=_BALANCER_LEGS,
            token_list="poolId.tokens",  # noqa: S106 the path of a list of tokens
        ),
        pool=PoolFields(
            entity="pools",
            kind="poolType",
            fee="swapFee",
            fee_unit=FeeUnit.FRACTION,
            tokens=("tokens",),
            token="address",  # noqa: S106 the name of a field
            balances=("balance",),
        ),
    ),
    "balancer_v3": Dialect(
        dexes=("balancer_v3",),
        swap=SwapFields(
            time="blockTimestamp",
            tx_hash="transactionHash",
            block_number="blockNumber",
            log_index="logIndex",
            pool="pool",
            pool_filter="pool",
            sender="user",
            direction=Direction.DIRECTED,
            legs=_BALANCER_LEGS,
        ),
        pool=PoolFields(
            entity="pools",
            fee="swapFee",
            fee_unit=FeeUnit.FRACTION,
            tokens=("tokens",),
            token="address",  # noqa: S106 the name of a field
            balances=("balance",),
        ),
    ),
}
"""Every kind of subgraph, by name."""
