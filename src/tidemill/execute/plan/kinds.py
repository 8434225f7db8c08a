"""Which lenders and pools can the executor use, and by which numbers do requests and plans name them."""

from enum import IntEnum


class LoanSource(IntEnum):
    """Who lends: a request's `flashSource`, a plan's first byte; the table is docs/guide/executor.md."""

    OWN_FUNDS = 0
    BALANCER_V3 = 1
    AAVE_V3 = 2
    BALANCER_V2 = 3
    UNISWAP_V3 = 4
    UNISWAP_V2 = 5
    MORPHO = 6
    UNISWAP_V4 = 7


class HopKind(IntEnum):
    """What is traded in: each of a request's `protocols`, a hop's first byte."""

    UNISWAP_V2 = 0
    UNISWAP_V3 = 1
    CURVE = 2
    BALANCER_V2 = 3
    BALANCER_V3 = 4
    UNISWAP_V4 = 5
    ALGEBRA = 6
    SOLIDLY = 7
