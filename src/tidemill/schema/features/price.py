"""Declare what prices did in the pools where an arbitrage begins and ends.

`entry` is the first pool of the circle, `exit` the last; a price is raw units of token1 per unit of token0.
"""

from tidemill.schema.features.declaration import Feature, Group, windowed

_FACTS = "protocols/arbitrage_detection.md, section "

FEATURES = (
    Feature(
        "edge_bps",
        Group.PRICE,
        "0.01%",
        "10000 * profit / amount_in",
        "What the circle returned beyond what went in, before gas and tip.",
    ),
    Feature(
        "pool_spread_bps",
        Group.PRICE,
        "0.01%",
        "where(is_pair, 10000 * abs(ln(last(entry_state.mid, h24) / last(exit_state.mid, h24))))",
        "How far the two pools of one pair were apart at the end of the block before; absent where"
        " the circle has more than two tokens.",
        least=0.0,
    ),
    *windowed(
        Feature(
            "entry_volatility",
            Group.PRICE,
            "1",
            "sqrt(squares(entry.ln_price, {w}))",
            "Realised volatility of the entry pool over {w}: root of the sum of squared log changes"
            " from swap to swap.",
            f"{_FACTS}10",
            least=0.0,
            warm_up=2,
        ),
        "s5",
        "m1",
        "m5",
        "h24",
    ),
    *windowed(
        Feature(
            "exit_volatility",
            Group.PRICE,
            "1",
            "sqrt(squares(exit.ln_price, {w}))",
            "The same of the exit pool over {w}.",
            f"{_FACTS}10",
            least=0.0,
            warm_up=2,
        ),
        "s5",
        "m1",
        "m5",
        "h24",
    ),
    *windowed(
        Feature(
            "entry_range_bps",
            Group.PRICE,
            "0.01%",
            "10000 * (max(entry.ln_price, {w}) - min(entry.ln_price, {w}))",
            "Log of the highest to the lowest price of the entry pool over {w}.",
            "Parkinson (1980), The extreme value method",
            least=0.0,
            warm_up=2,
        ),
        "m1",
        "m5",
        "h24",
    ),
    *windowed(
        Feature(
            "entry_return",
            Group.PRICE,
            "1",
            "last(entry.ln_price, {w}) - first(entry.ln_price, {w})",
            "Log return of the entry pool over {w}.",
            warm_up=2,
        ),
        "m1",
        "m5",
        "h24",
    ),
    *windowed(
        Feature(
            "entry_rsi",
            Group.PRICE,
            "1",
            "100 * rises(entry.ln_price, {w}) / (rises(entry.ln_price, {w}) + falls(entry.ln_price, {w}))",
            "Relative strength of the entry pool over {w}, with plain sums (Cutler's form); absent"
            " where the price did not move.",
            f"{_FACTS}10",
            least=0.0,
            most=100.0,
            warm_up=3,
        ),
        "m1",
        "m5",
        "h24",
    ),
    *windowed(
        Feature(
            "entry_bollinger_position",
            Group.PRICE,
            "1",
            "0.5 + (last(entry.ln_price, {w}) - mean(entry.ln_price, {w})) / (4 * std(entry.ln_price, {w}))",
            "%B of the entry pool's log price over {w}: 0 at the lower band, 1 at the upper, bands"
            " of two population deviations.",
            f"{_FACTS}10",
            warm_up=3,
        ),
        "m5",
        "h24",
    ),
    *windowed(
        Feature(
            "entry_bollinger_width",
            Group.PRICE,
            "1",
            "4 * std(entry.ln_price, {w})",
            "Width of these bands over {w}, of the log price.",
            f"{_FACTS}10",
            least=0.0,
            warm_up=3,
        ),
        "m5",
        "h24",
    ),
    *windowed(
        Feature(
            "entry_vwap_gap_bps",
            Group.PRICE,
            "0.01%",
            "10000 * (last(entry.ln_price, {w}) - ln(sum(entry.amount1, {w}) / sum(entry.amount0, {w})))",
            "How far the entry pool's last price is from its volume-weighted average over {w}.",
            f"{_FACTS}10",
        ),
        "m1",
        "m5",
        "h24",
    ),
)
