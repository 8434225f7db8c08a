"""What a label may say of a value later: each formula declared once."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from tidemill.learn.arrays import Floats
from tidemill.schema.faults import Refused


class LabelFormula(NamedTuple):
    """One label, of a column `now`, at the row, and `later`, at the first row after the horizon."""

    formula: str
    unit: str
    of: Callable[[Floats, Floats], Floats]
    """float64[n] of float64[n] twice; what is not finite is absent."""


def _log_change(now: Floats, later: Floats) -> Floats:
    return np.log(np.where((now > 0) & (later > 0), later / now, np.nan))


FORMULAS: Mapping[str, LabelFormula] = {
    "log_change": LabelFormula("log(later / now)", "1", _log_change),
    "relative_change": LabelFormula("later / now - 1", "1", lambda now, later: later / now - 1),
    "difference": LabelFormula("later - now", "the column's", lambda now, later: later - now),
    "value": LabelFormula("later", "the column's", lambda now, later: later),
    "direction": LabelFormula("sign(later - now)", "-1, 0 or 1", lambda now, later: np.sign(later - now)),
}


def formula_of(name: str) -> LabelFormula:
    """Return a label's formula. Raises: Refused, where there is none of that name."""
    if name not in FORMULAS:
        raise Refused(f"formula: expected one of {', '.join(FORMULAS)}, found {name!r}")
    return FORMULAS[name]
