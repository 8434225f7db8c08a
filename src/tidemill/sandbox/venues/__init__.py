"""Kinds of pools beside Uniswap V2 and V3: which module knows the contracts of which protocol."""

from tidemill.sandbox.venues import algebra, balancer_v2, balancer_v3, curve, pancake_v3, uniswap_v4
from tidemill.sandbox.venues.venue import Change, Leg, Venue
from tidemill.sandbox.world import Protocol

VENUES: dict[Protocol, Venue] = {
    "algebra_v1": algebra,
    "algebra_v2": algebra,
    "algebra_integral": algebra,
    "uniswap_v4": uniswap_v4,
    "balancer_v2_weighted": balancer_v2,
    "balancer_v2_stable": balancer_v2,
    "balancer_v3_weighted": balancer_v3,
    "balancer_v3_stable": balancer_v3,
    "curve_stable": curve,
    "curve_stable_ng": curve,
    "pancake_v3": pancake_v3,
}
"""How pools of each protocol are asked and traded."""

BUILDERS = (algebra, uniswap_v4, balancer_v2, curve, pancake_v3, balancer_v3)
"""Each venue once, in the order in which their contracts are created."""

__all__ = ["BUILDERS", "VENUES", "Change", "Leg", "Venue"]
