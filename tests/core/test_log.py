import json
import logging

import pytest

from tidemill.core.log import LogConfig, logging_to
from tidemill.core.redact import Redactor
from tidemill.schema.faults import Unreachable

_log = logging.getLogger("tidemill.test")


def test_lines_reach_the_file_without_secrets(tmp_path):
    with logging_to(tmp_path / "logs", LogConfig(), Redactor(["topsecret"]), console=False) as file:
        _log.info("connecting to %s with topsecret", "wss://me:pw@node/v2/0123456789abcdef?key=1")
        _log.debug("not kept")
    text = file.read_text()
    assert "INFO    tidemill.test: connecting to wss://node" in text
    for hidden in ("topsecret", "me:pw", "0123456789abcdef", "key=1", "not kept"):
        assert hidden not in text


def test_json_lines_are_json_and_carry_the_exception(tmp_path):
    with logging_to(tmp_path, LogConfig(format="json", level="DEBUG"), Redactor(), console=False) as file:
        try:
            raise ValueError("odd")
        except ValueError:
            _log.exception("failed")
    line = json.loads(file.read_text())
    assert (line["level"], line["message"]) == ("ERROR", "failed")
    assert "ValueError: odd" in line["exception"]


def test_a_full_file_is_put_aside(tmp_path):
    with logging_to(tmp_path, LogConfig(rotate_bytes=10_000, rotated_files=2), Redactor(), console=False):
        for number in range(500):
            _log.warning("line %d of many that fill the file", number)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "tidemill.log",
        "tidemill.log.1",
        "tidemill.log.2",
    ]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "taken").write_text("")
    with (
        pytest.raises(Unreachable, match=r"expected to write .*tidemill.log"),
        logging_to(tmp_path / "taken", LogConfig(), Redactor(), console=False),
    ):
        pass


def test_a_full_disk_under_the_log_is_told_once_and_raises_nothing(tmp_path, capsys):
    with logging_to(tmp_path, LogConfig(), Redactor(), console=False) as file:
        file.unlink()
        log = logging.getLogger("tidemill.test")
        handler = logging.getLogger("tidemill").handlers[0]
        assert isinstance(handler, logging.FileHandler)
        handler.stream.close()
        handler.stream = open("/dev/full", "w")
        log.info("one")
        log.info("two")
        assert capsys.readouterr().err.count("left out") == 1
