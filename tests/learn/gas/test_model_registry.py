import re
from pathlib import Path

import pytest

from tidemill.learn.gas.model_registry import REGISTRY, read_registry
from tidemill.schema.faults import Malformed


@pytest.mark.parametrize("champions", [0, 2])
def test_a_registry_without_its_one_champion_is_no_registry(tmp_path: Path, champions: int) -> None:
    version = (
        '{"number":1,"standing":"champion","first_ns":1,"end_ns":2,"chosen":"x","why":"first","sha256":"00"}'
    )
    (tmp_path / REGISTRY).write_text('{"versions":[' + ",".join([version] * champions) + "]}")
    told = f"expected one champion, found {champions}"
    with pytest.raises(Malformed, match=f"{re.escape(REGISTRY)}: .*{told}"):
        read_registry(tmp_path)
