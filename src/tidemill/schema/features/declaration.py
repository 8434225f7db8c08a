"""Say what a feature's declaration holds; a formula is text, so that what is documented is what runs."""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

WINDOWS_S = {"s5": 5, "m1": 60, "m5": 300, "h24": 86_400}
"""The sliding windows, by the name that a formula calls them, in seconds."""
_SHOWN = {"s5": "5s", "m1": "1m", "m5": "5m", "h24": "24h"}


class Group(StrEnum):
    """What a feature tells of; also the order of its column."""

    PRICE = "price"
    VOLUME = "volume"
    NETWORK = "network"
    RISK = "risk"
    COMPETITION = "competition"


class Feature(NamedTuple):
    """One column of the transaction record."""

    name: str
    group: Group
    unit: str
    formula: str
    """Over facts of the transaction (`gas_price_gwei`) and statistics of what came before it
    (`mean(block.base_fee_gwei, m5)`); docs/guide/features.md has the words."""
    meaning: str
    source: str = "tidemill"
    """Where the formula is from; `tidemill` where it is a plain ratio or statistic of ours."""
    least: float | None = None
    most: float | None = None
    warm_up: int = 1
    """Every statistic in the formula is absent, and the feature with it, until its window has so many events;
    and until the stream is as old as the window."""


def windowed(feature: Feature, *windows: str) -> Iterator[Feature]:
    """Yield one feature for each window: `{w}` in formula and meaning is the window, `_5m` ends the name."""
    for window in windows:
        yield feature._replace(
            name=f"{feature.name}_{_SHOWN[window]}",
            formula=feature.formula.replace("{w}", window).replace("{s}", str(WINDOWS_S[window])),
            meaning=feature.meaning.replace("{w}", _SHOWN[window]),
        )
