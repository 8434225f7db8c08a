"""The scaler as scikit-learn's pipelines take one: they fit it on each fold's training rows."""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from tidemill.learn.arrays import Floats
from tidemill.learn.datasets.scaling import Method, Scaler, fit_scaler


class ColumnScaler(TransformerMixin, BaseEstimator):
    """Scales columns by their training rows; absent values (NaN) stay absent."""

    def __init__(self, method: str = "standard", handle_outliers: bool = False) -> None:
        self.method = method
        self.handle_outliers = handle_outliers

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the scale of these rows."""
        rows = self._rows(X, is_first=True)
        names = [str(at) for at in range(rows.shape[1])]
        self.scaler_: Scaler = fit_scaler(
            rows, names, Method(self.method), handle_outliers=self.handle_outliers
        )
        return self

    def transform(self, X: Any) -> Floats:
        """Return float64[n, columns] scaled."""
        check_is_fitted(self)
        return self.scaler_.transform(self._rows(X, is_first=False))

    def _rows(self, given: Any, *, is_first: bool) -> Floats:
        rows: Any = validate_data(
            self, given, dtype=np.float64, ensure_all_finite="allow-nan", reset=is_first
        )
        return rows

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
