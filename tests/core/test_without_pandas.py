"""A process that has no use for pandas does without, and one that has still finds it."""

import subprocess
import sys

_PROGRAM = """
import sys
import pyarrow as pa
from tidemill.core.without_pandas import leave_pandas_out
leave_pandas_out()
column = pa.array([1, None])
assert "pandas" not in sys.modules
assert pa.table({"a": column}).to_pandas()["a"].isna().tolist() == [False, True]
import pandas as pd
leave_pandas_out()
assert pa.array(pd.Series([1.0, float("nan")])).null_count == 1
"""


def test_pandas_is_loaded_where_it_is_used_and_only_there():
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
