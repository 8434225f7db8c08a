"""Say which words a formula may use: facts of the transaction, what went before it, statistics, functions."""

from typing import NamedTuple


class Role(NamedTuple):
    """Something that went before, by what it is looked up."""

    source: str
    """The topic that it is of."""
    key: str | None
    """Which key of that topic's rows it is kept by; None where all of the chain's are kept together."""
    asked: str | None
    """Which key of the arbitrage transaction it is looked up by."""
    meaning: str


ASKED = "arbitrage"
"""The topic whose rows get features."""

ROLES = {
    "entry": Role("swap", "pool", "entry_pool", "swaps in the circle's first pool"),
    "exit": Role("swap", "pool", "exit_pool", "swaps in its last pool"),
    "entry_state": Role("pool_state", "pool", "entry_pool", "states of the first pool"),
    "exit_state": Role("pool_state", "pool", "exit_pool", "states of the last pool"),
    "block": Role("block", None, None, "the chain's blocks"),
    "rivals": Role("arbitrage", None, None, "the chain's arbitrages"),
    "pool_rivals": Role("arbitrage", "entry_pool", "entry_pool", "arbitrages that began in the same pool"),
    "route_rivals": Role(
        "arbitrage", "pools", "pools", "arbitrages through the same pools in the same order"
    ),
    "token_rivals": Role("arbitrage", "token", "token", "arbitrages that begin with the same token"),
    "searcher": Role("arbitrage", "account", "account", "arbitrages of the same account"),
}

MEASURES = {
    "swap": {
        "one": "1 for each",
        "ln_price": "log of token1 per token0, raw units: after the swap where told, else as paid",
        "amount0": "raw units of token0 that changed hands",
        "amount1": "the same of token1",
        "flow0": "token0 that the pool gave less what it got",
    },
    "pool_state": {
        "depth0": "token0 of the curve at its price: the reserve, or liquidity by the root of the price",
        "mid": "token1 per token0 at the margin, raw units",
    },
    "block": {
        "base_fee_gwei": "its base fee",
        "fullness": "gas used by the gas limit",
        "time_s": "its timestamp",
    },
    "arbitrage": {
        "one": "1 for each",
        "tx_index": "its place in the block",
        "is_pair": "1 where the circle has two tokens",
        "is_failed": "1 where it was undone",
        "sandwich": "1 where it was the front or the back of a sandwich, absent elsewhere",
        "amount_in": "raw units that went in",
        "profit": "raw units that came out beyond that",
        "profit_native": "their worth in the native coin, before costs",
        "gas_price_gwei": "what a unit of gas cost",
        "base_fee_gwei": "the block's base fee",
        "priority_fee_gwei": "the rest of it",
        "gas_used": "units of gas",
        "bid": "priority fees and tip, native coin",
        "bid_share": "that by the profit, where there was one",
        "confidence": "how much of the gain is explained",
    },
}
"""What each row is measured by; those of `arbitrage` are the facts, too."""

STATISTICS = {
    "count": "how many",
    "sum": "their sum",
    "mean": "their mean",
    "std": "their deviation, of the population",
    "min": "the least",
    "max": "the greatest",
    "first": "the first",
    "last": "the last; does not wait for the warm-up",
    "rises": "sum of the changes upwards, from one to the next",
    "falls": "sum of the changes downwards",
    "squares": "sum of the squared changes",
    "quantile": "the value that the third argument's share does not exceed, to 1%",
}

FUNCTIONS = {
    "abs": (1, "magnitude"),
    "ln": (1, "natural logarithm"),
    "exp": (1, "e to the power of it"),
    "sqrt": (1, "square root"),
    "least": (2, "the lesser"),
    "where": (2, "the second where the first is above 0, else absent"),
    "otherwise": (2, "the first, or the second where the first is absent"),
    "known": (1, "1 where it is there, else 0"),
}
"""By name: how many arguments, and what comes of them."""
