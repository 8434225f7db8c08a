"""Declare how much was traded, and how deep the pools were."""

from tidemill.schema.features.declaration import Feature, Group, windowed

_FACTS = "protocols/arbitrage_detection.md, section 9"

FEATURES = (
    *windowed(
        Feature(
            "entry_swaps",
            Group.VOLUME,
            "swaps",
            "count(entry.one, {w})",
            "Swaps in the entry pool over {w}.",
            least=0.0,
        ),
        "s5",
        "m1",
        "m5",
        "h24",
    ),
    *windowed(
        Feature(
            "exit_swaps",
            Group.VOLUME,
            "swaps",
            "count(exit.one, {w})",
            "Swaps in the exit pool over {w}.",
            least=0.0,
        ),
        "m1",
        "m5",
        "h24",
    ),
    *windowed(
        Feature(
            "entry_flow_imbalance",
            Group.VOLUME,
            "1",
            "sum(entry.flow0, {w}) / sum(entry.amount0, {w})",
            "Bought less sold of token0 in the entry pool over {w}, by all that was traded: what an"
            " order book's imbalance is to a pool.",
            _FACTS,
            least=-1.0,
            most=1.0,
        ),
        "m1",
        "m5",
        "h24",
    ),
    *windowed(
        Feature(
            "exit_flow_imbalance",
            Group.VOLUME,
            "1",
            "sum(exit.flow0, {w}) / sum(exit.amount0, {w})",
            "The same of the exit pool over {w}.",
            _FACTS,
            least=-1.0,
            most=1.0,
        ),
        "m1",
        "m5",
        "h24",
    ),
    *windowed(
        Feature(
            "entry_volume_change",
            Group.VOLUME,
            "1",
            "(sum(entry.amount0, {w}) / {s}) / (sum(entry.amount0, h24) / 86400) - 1",
            "Volume a second of the entry pool over {w} against that over 24h.",
            least=-1.0,
        ),
        "m1",
        "m5",
    ),
    *windowed(
        Feature(
            "entry_size_spread",
            Group.VOLUME,
            "1",
            "std(entry.amount0, {w}) / mean(entry.amount0, {w})",
            "Deviation of the entry pool's swap sizes over {w} by their mean.",
            least=0.0,
            warm_up=3,
        ),
        "m5",
        "h24",
    ),
    Feature(
        "entry_size_tail_24h",
        Group.VOLUME,
        "1",
        "quantile(entry.amount0, h24, 0.9) / quantile(entry.amount0, h24, 0.5)",
        "The ninth decile of the entry pool's swap sizes over 24h by their median; each to 1%.",
        "Masson et al. (2019), DDSketch, VLDB 12(12), for the quantiles",
        least=0.98,
        warm_up=10,
    ),
    Feature(
        "depth_imbalance",
        Group.VOLUME,
        "1",
        "where(is_pair, (last(entry_state.depth0, h24) - last(exit_state.depth0, h24))"
        " / (last(entry_state.depth0, h24) + last(exit_state.depth0, h24)))",
        "Depth of the entry pool against that of the exit pool, token0 of the curve at its price;"
        " absent where the circle has more than two tokens.",
        _FACTS,
        least=-1.0,
        most=1.0,
    ),
    *windowed(
        Feature(
            "entry_depth_change",
            Group.VOLUME,
            "1",
            "last(entry_state.depth0, {w}) / first(entry_state.depth0, {w}) - 1",
            "How the entry pool's depth changed over {w}.",
            least=-1.0,
            warm_up=2,
        ),
        "m5",
        "h24",
    ),
    Feature(
        "entry_turnover_24h",
        Group.VOLUME,
        "1",
        "sum(entry.amount0, h24) / last(entry_state.depth0, h24)",
        "What was traded in the entry pool over 24h by its depth, token0.",
        least=0.0,
    ),
)
