"""The arrays that learning is done on."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
"""In nanoseconds since 1970, UTC."""
