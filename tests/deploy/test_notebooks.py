"""Does each notebook run from its first cell to its last, as it stands."""

import os
import subprocess
import sys

import pytest
from tests.app.conftest import ROOT

NOTEBOOKS = sorted((ROOT / "docs/notebooks").glob("*.ipynb"))
_RUN = """
import sys, nbformat, nbclient
book = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(book, timeout=60, kernel_name="python3").execute()
print(sum(cell.cell_type == "code" and cell.execution_count is not None for cell in book.cells))
"""


@pytest.mark.timeout(200)
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_is_kept_without_output(notebook, tmp_path):
    pytest.importorskip("ipykernel", reason="needs a kernel for notebooks")
    assert '"outputs": []' in notebook.read_text()
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _RUN, notebook],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "IPYTHONDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert ended.returncode == 0, ended.stderr[-3_000:]
    assert int(ended.stdout) > 1
