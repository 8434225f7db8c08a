"""The digest that is made beside the writing is that of the whole file."""

import hashlib
import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidemill.export.growing_digest import GrowingDigest
from tidemill.export.registered import exporters


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3_000_000), st.sampled_from((0.0, 0.03)))), st.binary())
def test_it_is_of_all_that_was_written_and_of_nothing_that_lay_there(tmp_path, pieces, left):
    path = tmp_path / "file"
    path.write_bytes(left)
    told = hashlib.sha256()
    with GrowingDigest(path) as digest:
        with path.open("wb", buffering=0) as file:
            for number, (size, pause_s) in enumerate(pieces):
                piece = bytes([number % 256]) * size
                file.write(piece)
                told.update(piece)
                time.sleep(pause_s)
        assert digest.sha256() == told.hexdigest()


def test_a_format_that_goes_back_in_its_file_is_not_followed():
    followed = {name: one.only_appends() for name, one in exporters().items()}
    assert followed.pop("hdf5") is False
    assert all(followed.values())
