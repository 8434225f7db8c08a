"""Arrow's compute functions: they are made when their module is imported, unseen by type checkers."""

from typing import Any

from pyarrow import compute

pc: Any = compute
