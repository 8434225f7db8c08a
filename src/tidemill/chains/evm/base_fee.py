"""What is the base fee of the next block? Arithmetic, not learning."""

ELASTICITY = 2
"""A block's gas target is its limit divided by this."""
CHANGE_DENOMINATOR = 8
"""A full block raises the base fee by one part in so many; Ethereum's."""


def next_base_fee_wei(
    base_fee_wei: int, gas_used: int, gas_limit: int, change_denominator: int = CHANGE_DENOMINATOR
) -> int:
    """Return the base fee of the block after one with this base fee, gas used and gas limit, to the wei.

    Source: https://eips.ethereum.org/EIPS/eip-1559, "Specification".

    >>> next_base_fee_wei(1_000_000_000, 30_000_000, 30_000_000)
    1125000000
    """
    target = gas_limit // ELASTICITY
    if gas_used == target or target == 0:
        return base_fee_wei
    change = base_fee_wei * abs(gas_used - target) // target // change_denominator
    return base_fee_wei + max(change, 1) if gas_used > target else base_fee_wei - change
