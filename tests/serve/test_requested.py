"""Has each request an id: in its answer, in what is logged because of it, and in no other line."""

import json
import logging

import pytest

from tidemill.core.log import LogConfig, logging_to
from tidemill.core.redact import Redactor
from tidemill.core.trace_id import new_trace_id, read_traceparent

from .program import FakeProgram, program, served

_log = logging.getLogger("tidemill.made")


class Talking(FakeProgram):
    """Logs in the program's own loop, as it is asked."""

    async def state(self):
        _log.info("asked")
        return await super().state()


async def request_id(client, path, headers=None):
    """Return what an answer is named."""
    async with client.session.get(f"{client.url}{path}", headers=headers) as answer:
        return answer.headers["X-Request-Id"]


async def test_its_id_is_in_the_answer_and_in_every_line_of_log_that_it_causes(tmp_path):
    with logging_to(tmp_path, LogConfig(format="json"), Redactor(), console=False) as file:
        async with served(Talking(program())) as client:
            named = [await request_id(client, path) for path in ("/health", "/health", "/nothing")]
            _log.info("done")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(set(named)) == 3
    told = [line["trace_id"] for line in lines if line["message"] == "asked" and "trace_id" in line]
    assert told == named[:2]
    assert "trace_id" not in next(line for line in lines if line["message"] == "done")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        f"00-{'0' * 32}-{'8' * 16}-01",
        f"00-{'7' * 32}-{'0' * 16}-01",
        f"00-{'7' * 31}g-{'8' * 16}-01",
    ],
)
async def test_a_name_that_is_none_is_not_taken_from_a_caller(header):
    assert read_traceparent(header) is None
    assert len(bytes.fromhex(new_trace_id())) == 16


def test_a_callers_own_trace_is_gone_on_with():
    assert read_traceparent(f"00-{'7' * 32}-{'8' * 16}-01") == ("7" * 32, "8" * 16)
