"""`tidemill bench`: run the benchmarks of the checkout that this program belongs to."""

import importlib
import sys
from collections.abc import Sequence

from tidemill.schema.faults import Refused
from tidemill.schema.generate import ROOT


def main(names: Sequence[str], runs: int, *, keep: bool, against: bool = False) -> int:
    """Run them; return 1 where a limit is not kept. Raises: Refused, where one is not there."""
    folder = ROOT / "benchmarks"
    if not (folder / "__main__.py").exists():
        raise Refused(f"bench: expected a checkout with {folder}, found none: an installed program has none")
    unknown = [name for name in names if not (folder / f"{name}.py").exists()]
    if unknown:
        known = sorted(file.stem for file in folder.glob("[a-z]*.py"))
        raise Refused(f"bench: expected some of {', '.join(known)}, found {', '.join(unknown)}")
    sys.path.insert(0, str(ROOT))
    benchmarks = importlib.import_module("benchmarks.__main__")
    switches = [name for name, is_on in (("--keep", keep), ("--against", against)) if is_on]
    return benchmarks.main([*names, f"--runs={runs}", *switches])
