"""How long what comes late is placed right: settings."""

from typing import Annotated

from msgspec import Meta, Struct


class FeatureConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [features]."""

    enabled: bool = True
    """Whether `up` makes the record of every arbitrage transaction."""
    late_blocks_max: Annotated[int, Meta(ge=1, le=100_000)] = 64
    """What comes so many blocks late at most is placed where it belongs, and what a reorg took away is taken
    out: two epochs, the time after which Ethereum is final. As many blocks wait in memory for their
    arbitrages, and at least twice as many are kept to be gone through again."""
