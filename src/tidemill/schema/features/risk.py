"""Declare what can go wrong: failing, being sandwiched, prices that move while liquidity is lent."""

from tidemill.schema.features.declaration import Feature, Group, windowed

_FACTS = "protocols/arbitrage_detection.md, section "

FEATURES = (
    *windowed(
        Feature(
            "failure_rate",
            Group.RISK,
            "1",
            "mean(rivals.is_failed, {w})",
            "Failed of the chain's arbitrages over {w}.",
            least=0.0,
            most=1.0,
        ),
        "m5",
        "h24",
    ),
    Feature(
        "pool_failure_rate_24h",
        Group.RISK,
        "1",
        "mean(pool_rivals.is_failed, h24)",
        "Failed of the arbitrages that began in the same pool over 24h.",
        least=0.0,
        most=1.0,
    ),
    Feature(
        "sandwich_probability",
        Group.RISK,
        "1",
        "least(count(pool_rivals.sandwich, h24) / count(entry.one, h24), 1)",
        "Sandwiches by swaps of the entry pool over 24h: the hit rate of section 7.2 (a).",
        f"{_FACTS}7.2",
        least=0.0,
        most=1.0,
    ),
    *windowed(
        Feature(
            "impermanent_loss",
            Group.RISK,
            "1",
            "2 * exp((last(entry.ln_price, {w}) - first(entry.ln_price, {w})) / 2)"
            " / (1 + exp(last(entry.ln_price, {w}) - first(entry.ln_price, {w}))) - 1",
            "Loss against holding, of liquidity put into a constant-product pool of the entry pool's"
            " prices {w} ago.",
            f"{_FACTS}8",
            least=-1.0,
            most=0.0,
            warm_up=2,
        ),
        "m5",
        "h24",
    ),
    *windowed(
        Feature(
            "loss_versus_rebalancing",
            Group.RISK,
            "1",
            "squares(entry.ln_price, {w}) / 8",
            "Loss against rebalancing over {w}, of the value of a constant-product pool of the entry"
            " pool's prices.",
            f"{_FACTS}8 (Milionis et al., arXiv:2208.06046)",
            least=0.0,
            warm_up=2,
        ),
        "m5",
        "h24",
    ),
    Feature(
        "token_failure_rate_24h",
        Group.RISK,
        "1",
        "mean(token_rivals.is_failed, h24)",
        "Failed of the arbitrages that begin with the same token over 24h.",
        least=0.0,
        most=1.0,
    ),
    Feature(
        "unexplained",
        Group.RISK,
        "1",
        "1 - confidence",
        "How much of the gain the swaps that were found do not explain.",
        least=0.0,
        most=1.0,
    ),
    Feature(
        "token_risk",
        Group.RISK,
        "1",
        "1 - (1 - token_failure_rate_24h) * (1 - unexplained)",
        "That the token does not move as its swaps say: its arbitrages that fail, and gains that"
        " swaps do not explain.",
        least=0.0,
        most=1.0,
    ),
    Feature(
        "competition_risk",
        Group.RISK,
        "1",
        "least(rivals_bid_share_5m, 1)",
        "That another takes it: the share of the profit that has to be bid, by what arbitrages bid over 5m.",
        "Daian et al. (2019), Flash Boys 2.0, arXiv:1904.05234: bids approach the profit where many compete",
        least=0.0,
        most=1.0,
    ),
    Feature(
        "execution_risk",
        Group.RISK,
        "1",
        "otherwise(pool_failure_rate_24h, failure_rate_24h)",
        "That the transaction fails: the failure rate of the pool, or of the chain where the pool has none.",
        least=0.0,
        most=1.0,
    ),
    Feature(
        "risk_score",
        Group.RISK,
        "1",
        "where(risk_parts, 1 - otherwise(1 - sandwich_probability, 1)"
        " * otherwise(1 + impermanent_loss_24h, 1) * otherwise(1 - token_risk, 1)"
        " * otherwise(1 - competition_risk, 1) * otherwise(1 - execution_risk, 1))",
        "That any of the five happens, were they independent, of those that are known; absent where none is.",
        least=0.0,
        most=1.0,
    ),
    Feature(
        "risk_parts",
        Group.RISK,
        "1",
        "known(sandwich_probability) + known(impermanent_loss_24h) + known(token_risk) +"
        " known(competition_risk) + known(execution_risk)",
        "How many of the five the score is made of.",
        least=0.0,
        most=5.0,
    ),
)
