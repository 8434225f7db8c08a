"""The schemas of the subgraphs that the test server serves, and how it spells its world in each of them."""

from decimal import Decimal, getcontext

getcontext().prec = 120  # the fields below are exact; indexers round theirs, which tests make by hand

_SCALARS = "scalar BigInt scalar BigDecimal scalar Bytes"
_META = """
input Block_height { hash: Bytes number: Int number_gte: Int }
enum OrderDirection { asc desc }
enum OrderBy { id timestamp blockTimestamp }
type _Block_ { number: Int! hash: Bytes timestamp: Int parentHash: Bytes }
type _Meta_ { block: _Block_! deployment: String! hasIndexingErrors: Boolean! }
"""
_TOKEN = "type Token { id: ID! symbol: String! name: String! decimals: BigInt! }"
_TX = "type Transaction { id: ID! blockNumber: BigInt! timestamp: BigInt! }"
_FILTER = "input Swap_filter { id_gt: ID %s_gte: BigInt %s_lte: BigInt %s_in: [String!] }"
_V3 = (
    _TOKEN
    + _TX
    + """
type Pool { id: ID! token0: Token! token1: Token! %s: BigInt! liquidity: BigInt! sqrtPrice: BigInt!
  tick: BigInt totalValueLockedToken0: BigDecimal! totalValueLockedToken1: BigDecimal! }
type Swap { id: ID! transaction: Transaction! timestamp: BigInt! pool: Pool! token0: Token! token1: Token!
  sender: Bytes! recipient: Bytes! amount0: BigDecimal! amount1: BigDecimal! logIndex: BigInt }
"""
    + _FILTER % ("timestamp", "timestamp", "pool")
)
TYPES = {
    "uniswap_v3": _V3 % "feeTier",
    "algebra": _V3 % "fee",
    "uniswap_v2": _TOKEN
    + _TX
    + """
type Pair { id: ID! token0: Token! token1: Token! reserve0: BigDecimal! reserve1: BigDecimal! }
type Swap { id: ID! transaction: Transaction! timestamp: BigInt! pair: Pair! sender: Bytes! to: Bytes!
  amount0In: BigDecimal! amount1In: BigDecimal! amount0Out: BigDecimal! amount1Out: BigDecimal!
  logIndex: BigInt }
"""
    + _FILTER % ("timestamp", "timestamp", "pair"),
    "messari": """
type Token { id: Bytes! symbol: String! decimals: Int! }
type LiquidityPoolFee { feePercentage: BigDecimal feeType: String! }
type LiquidityPool { id: Bytes! inputTokens: [Token!]! inputTokenBalances: [BigInt!]!
  fees: [LiquidityPoolFee!]! }
type Swap { id: Bytes! hash: String! logIndex: Int! to: String! from: String! blockNumber: BigInt!
  timestamp: BigInt! tokenIn: Token! amountIn: BigInt! tokenOut: Token! amountOut: BigInt!
  pool: LiquidityPool! }
"""
    + _FILTER % ("timestamp", "timestamp", "pool"),
    "balancer_v2": """
type PoolToken { address: String! symbol: String! decimals: Int! balance: BigDecimal! }
type Pool { id: ID! address: Bytes! poolType: String swapFee: BigDecimal! tokens: [PoolToken!] }
type Swap { id: ID! caller: Bytes! tokenIn: Bytes! tokenOut: Bytes! tokenAmountIn: BigDecimal!
  tokenAmountOut: BigDecimal! poolId: Pool! timestamp: Int! tx: Bytes! }
"""
    + _FILTER % ("timestamp", "timestamp", "poolId"),
    "balancer_v3": """
type PoolToken { address: Bytes! symbol: String! decimals: Int! balance: BigDecimal! }
type Pool { id: Bytes! swapFee: BigDecimal! tokens: [PoolToken!]! }
type Swap { id: Bytes! pool: Bytes! tokenIn: Bytes! tokenOut: Bytes! tokenAmountIn: BigDecimal!
  tokenAmountOut: BigDecimal! user: Bytes! blockNumber: BigInt! blockTimestamp: BigInt!
  transactionHash: Bytes! logIndex: BigInt! }
"""
    + _FILTER % ("blockTimestamp", "blockTimestamp", "pool"),
}
POOL_ENTITIES = {"uniswap_v2": "pairs", "messari": "liquidityPools"}
_POOL_TYPES = {"uniswap_v2": "Pair", "messari": "LiquidityPool"}


def sdl(dialect: str) -> str:
    """Return the schema of a dialect, as SDL."""
    entity, kind = POOL_ENTITIES.get(dialect, "pools"), _POOL_TYPES.get(dialect, "Pool")
    arguments = "first: Int skip: Int orderBy: OrderBy orderDirection: OrderDirection block: Block_height"
    fields = f"""
      swaps({arguments} where: Swap_filter): [Swap!]!
      {entity}({arguments} where: Pool_filter): [{kind}!]!
      _meta(block: Block_height): _Meta_"""
    roots = f"type Query {{ {fields} }} type Subscription {{ {fields} }} input Pool_filter {{ id_in: [ID!] }}"
    return "\n".join([_SCALARS, _META, TYPES[dialect], roots])


def decimal(raw: int, decimals: int) -> str:
    """Return raw units as an indexer's decimal text."""
    text = format(Decimal(raw) / 10**decimals, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def swap_row(dialect: str, swap: dict, pool: dict) -> dict:
    """Return a swap of the world as the dialect has it."""
    tokens, amounts = pool["tokens"], swap["amounts"]
    texts = [decimal(amount, token["decimals"]) for amount, token in zip(amounts, tokens, strict=True)]
    into = 0 if amounts[0] > 0 else 1
    row = {"id": swap["id"], "timestamp": swap["timestamp"], "logIndex": swap["log_index"]}
    transaction = {
        "id": swap["tx"],
        "blockNumber": swap["block"],
        "timestamp": swap["timestamp"],
    }
    pair = [_token(token) for token in tokens]
    if dialect in ("uniswap_v3", "algebra"):
        return row | {
            "transaction": transaction,
            "pool": pool_row(dialect, pool),
            "token0": pair[0],
            "token1": pair[1],
            "sender": swap["sender"],
            "recipient": swap["recipient"],
            "amount0": texts[0],
            "amount1": texts[1],
        }
    if dialect == "uniswap_v2":
        sides = {}
        for index, text in enumerate(texts):
            sides[f"amount{index}In"] = "0" if text.startswith("-") else text
            sides[f"amount{index}Out"] = text.removeprefix("-") if text.startswith("-") else "0"
        return (
            row
            | sides
            | {
                "transaction": transaction,
                "pair": pool_row(dialect, pool),
                "sender": swap["sender"],
                "to": swap["recipient"],
            }
        )
    if dialect == "messari":
        return row | {
            "hash": swap["tx"],
            "to": swap["recipient"],
            "from": swap["sender"],
            "blockNumber": swap["block"],
            "tokenIn": pair[into],
            "amountIn": amounts[into],
            "tokenOut": pair[1 - into],
            "amountOut": -amounts[1 - into],
            "pool": pool_row(dialect, pool),
        }
    directed = {
        "tokenIn": tokens[into]["id"],
        "tokenOut": tokens[1 - into]["id"],
        "tokenAmountIn": texts[into],
        "tokenAmountOut": texts[1 - into].removeprefix("-"),
    }
    if dialect == "balancer_v2":
        return (
            row
            | directed
            | {
                "caller": swap["sender"],
                "tx": swap["tx"],
                "poolId": pool_row(dialect, pool),
            }
        )
    return (
        row
        | directed
        | {
            "pool": pool["id"],
            "user": swap["sender"],
            "blockNumber": swap["block"],
            "blockTimestamp": swap["timestamp"],
            "transactionHash": swap["tx"],
        }
    )


def pool_row(dialect: str, pool: dict) -> dict:
    """Return a pool of the world, with its balances, as the dialect has it."""
    tokens, balances = pool["tokens"], pool["balances"]
    texts = [decimal(raw, token["decimals"]) for raw, token in zip(balances, tokens, strict=True)]
    row = {"id": pool_id(dialect, pool), "token0": _token(tokens[0]), "token1": _token(tokens[1])}
    if dialect in ("uniswap_v3", "algebra"):
        return row | {
            "fee" if dialect == "algebra" else "feeTier": 3000,
            "liquidity": pool["liquidity"],
            "sqrtPrice": pool["sqrt_price_x96"],
            "tick": pool["tick"],
            "totalValueLockedToken0": texts[0],
            "totalValueLockedToken1": texts[1],
        }
    if dialect == "uniswap_v2":
        return row | {"reserve0": texts[0], "reserve1": texts[1]}
    if dialect == "messari":
        return row | {
            "inputTokens": [_token(token) for token in tokens],
            "inputTokenBalances": balances,
            "fees": [
                {"feePercentage": "50", "feeType": "FIXED_LP_FEE"},
                {"feePercentage": "0.04", "feeType": "FIXED_TRADING_FEE"},
            ],
        }
    listed = [
        {"address": token["id"], "symbol": token["symbol"], "decimals": token["decimals"], "balance": text}
        for token, text in zip(tokens, texts, strict=True)
    ]
    return row | {
        "address": pool["id"],
        "poolType": "Weighted",
        "swapFee": "0.0030000001",
        "tokens": listed,
    }


def pool_id(dialect: str, pool: dict) -> str:
    """Return a pool's id: longer than its address in Balancer V2."""
    return pool["id"] + "0002" + "00" * 9 + "07" if dialect == "balancer_v2" else pool["id"]


def _token(token: dict) -> dict:
    return {name: token[name] for name in ("id", "symbol", "decimals")} | {"name": token["symbol"]}
