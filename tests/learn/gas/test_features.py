"""Features of a step know nothing later, and are the same bits alone as among others."""

import numpy as np
import pytest
from tests.learn.made import MINUTE_NS, START_NS, minutes, returning

from tidemill.learn.gas.features import NAMES, examples_of, features_at
from tidemill.learn.gas.series import Told, series_of
from tidemill.schema.faults import Refused


def test_no_later_price_changes_a_feature() -> None:
    series = returning(1_600)
    at = np.arange(1_500)
    changed = series.gas_gwei.copy()
    changed[1_500:] *= 3
    before = features_at(series, at, 5)
    after = features_at(series._replace(gas_gwei=changed), at, 5)
    assert before.tobytes() == after.tobytes()


def test_a_step_alone_has_the_same_bits_as_among_others() -> None:
    series = returning(1_600)
    together = features_at(series, np.arange(1_600), 5)
    for at in (0, 3, 61, 1_599):
        assert features_at(series, np.array([at]), 5).tobytes() == together[at : at + 1].tobytes()


def test_features_of_a_known_series_are_those_of_the_formula() -> None:
    series = minutes(np.exp(np.arange(100) / 100))
    row = dict(zip(NAMES, features_at(series, np.array([99]), 1)[0], strict=True))
    assert row["gas_change_10"] == pytest.approx(0.1)
    assert row["gas_over_mean_5"] == pytest.approx(0.02)
    assert row["gas_spread_5"] == pytest.approx(np.std(np.arange(5) / 100))
    assert np.isnan(row["gas_a_day_before_change"])
    assert np.isnan(row["next_base_fee_over_gas"])


def test_what_is_forecast_is_compared_with_the_same_time_a_day_before() -> None:
    series = returning(1_600)
    row = features_at(series, np.array([1_500]), 5)[0]
    expected = np.log(series.gas_gwei[1_500 + 5 - 1_440] / series.gas_gwei[1_500])
    assert row[NAMES.index("gas_a_day_before_change")] == pytest.approx(expected)


def test_a_step_without_a_price_is_no_example_and_nothing_is_filled_in() -> None:
    times = START_NS + np.array([0, 1, 2, 4, 5]) * MINUTE_NS
    series = series_of(Told(times, np.array([1.0, 2.0, 3.0, 5.0, 6.0])))
    examples = examples_of(series, 1)
    assert examples.places.tolist() == [0, 1, 4]
    assert np.isnan(examples.features[2, NAMES.index("gas_change_1")])
    assert examples.changes.tolist() == pytest.approx(np.log([2, 3 / 2, 6 / 5]).tolist())


def test_of_a_step_the_last_word_counts_in_whichever_order_it_came() -> None:
    times = START_NS + np.array([61, 1, 59, 2, 121]) * 1_000_000_000
    series = series_of(Told(times, np.array([3.0, 1.0, 9.0, 2.0, 4.0])), step_ns=MINUTE_NS)
    assert series.gas_gwei.tolist() == [9.0, 3.0, 4.0]


@pytest.mark.parametrize("gas", [[1.0, 0.0], [1.0, -1.0], [1.0, float("nan")], [1.0]])
def test_prices_that_are_none_are_refused(gas: list[float]) -> None:
    with pytest.raises(Refused, match="gas prices: expected"):
        minutes(np.array(gas))
