"""The next base fee is arithmetic: what Ethereum's own blocks say."""

import pytest

from tidemill.chains.evm.base_fee import next_base_fee_wei


@pytest.mark.parametrize(
    ("base_fee_wei", "gas_used", "gas_limit", "expected_wei"),
    [
        (1_000_000_000, 15_000_000, 30_000_000, 1_000_000_000),
        (1_000_000_000, 30_000_000, 30_000_000, 1_125_000_000),
        (1_000_000_000, 0, 30_000_000, 875_000_000),
        (7, 15_000_001, 30_000_000, 8),  # up by a wei at least
        (7, 14_999_999, 30_000_000, 7),  # down by none at least
        # From the tests of go-ethereum, consensus/misc/eip1559/eip1559_test.go, "TestCalcBaseFee".
        (1_000_000_000, 10_000_000, 20_000_000, 1_000_000_000),
        (1_000_000_000, 9_000_000, 20_000_000, 987_500_000),
        (1_000_000_000, 11_000_000, 20_000_000, 1_012_500_000),
    ],
)
def test_the_next_base_fee_is_exact(
    base_fee_wei: int, gas_used: int, gas_limit: int, expected_wei: int
) -> None:
    assert next_base_fee_wei(base_fee_wei, gas_used, gas_limit) == expected_wei
