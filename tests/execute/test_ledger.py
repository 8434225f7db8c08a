"""Does the ledger keep what it was told, in order, once, over restarts and beside other callers?"""

import asyncio
import os
import signal as signals
import sys
from pathlib import Path

import msgspec
import pytest
from tests.execute.signals import two_hops

from tidemill.bus import open_bus
from tidemill.execute.ledger import TOPIC, Ledger, ledger_folder, open_ledger
from tidemill.execute.signal import signal_of
from tidemill.execute.trade import after, first_event, received
from tidemill.schema import derive
from tidemill.schema.events import Execution, ExecutionMode, ExecutionState
from tidemill.schema.faults import Refused

PAPER = ExecutionMode.PAPER


def _first(key: str = "k", mode: ExecutionMode = PAPER) -> Execution:
    signal = signal_of(msgspec.json.encode(two_hops(idempotency_key=key)))
    return first_event(
        received(signal, chain="sandbox", mode=mode, recv_ns=1, count=int.from_bytes(key.encode()))
    )


async def _rows(ledger: Ledger) -> list[dict[str, object]]:
    entries = await ledger.bus.read(TOPIC, 0, batches_max=1_000)
    return [row for entry in entries for row in derive.to_rows(TOPIC, entry.batch)]


@pytest.mark.parametrize("mode", list(ExecutionMode))
async def test_what_was_told_is_there_after_a_restart(tmp_path: Path, mode: ExecutionMode) -> None:
    first = _first(mode=mode)
    waits = after(first, ExecutionState.SIMULATED, 2, simulated_profit=2**100)
    async with open_ledger(tmp_path, mode) as ledger:
        await ledger.tell(first, waits, answer=("k", b"the answer"), state={b"raw": b"tx"})
    async with open_ledger(tmp_path, mode) as ledger:
        assert ledger.unsettled == {first.execution_id: waits}
        assert (ledger.answer_to("k"), ledger.answer_to("another")) == (b"the answer", None)
        assert await ledger.bus.get(b"raw") == b"tx"
        assert [row["sequence"] for row in await _rows(ledger)] == [0, 1]
        await ledger.tell(after(waits, ExecutionState.FAILED, 3, reason="why"))
        assert not ledger.unsettled
        assert (ledger.tally.signals, ledger.tally.failed) == (1, 1)
    async with open_ledger(tmp_path, mode) as ledger:
        assert not ledger.unsettled
        assert (ledger.tally.signals, ledger.tally.failed) == (1, 1)


async def test_many_tellers_at_once_lose_nothing(tmp_path: Path) -> None:
    heard: list[Execution] = []
    async with open_ledger(tmp_path, ExecutionMode.LIVE) as ledger:
        ledger.listen(heard.append)
        firsts = [_first(str(number)) for number in range(200)]
        await asyncio.gather(
            *(ledger.tell(one, answer=(str(number), b"%d" % number)) for number, one in enumerate(firsts))
        )
        assert [ledger.answer_to(str(number)) for number in range(200)] == [b"%d" % n for n in range(200)]
        assert len(await _rows(ledger)) == ledger.tally.signals == len(ledger.unsettled) == 200
        assert await ledger.bus.head(TOPIC) < 200, "expected what waited to be committed together"
    assert heard == firsts


async def test_a_caller_that_is_cancelled_takes_nothing_with_it(tmp_path: Path) -> None:
    async with open_ledger(tmp_path, ExecutionMode.LIVE) as ledger:
        telling = [asyncio.ensure_future(ledger.tell(_first(str(number)))) for number in range(20)]
        await asyncio.sleep(0)
        telling[0].cancel()
        await asyncio.gather(*telling, return_exceptions=True)
        assert len(ledger.unsettled) == ledger.tally.signals == len(await _rows(ledger)) == 20


async def test_a_bug_ends_all_who_wait_and_nobody_after_them(tmp_path: Path) -> None:
    async with open_ledger(tmp_path, PAPER) as ledger:
        told = await asyncio.gather(ledger.tell(_first()), ledger.tell(object()), return_exceptions=True)  # type: ignore[arg-type]
        assert [type(one) for one in told] == [AttributeError, AttributeError]
        await ledger.tell(_first())
        assert ledger.tally.signals == len(await _rows(ledger)) == 1


async def test_only_one_process_writes_and_others_may_read(tmp_path: Path) -> None:
    async with open_ledger(tmp_path, PAPER) as ledger:
        await ledger.tell(_first())
        with pytest.raises(Refused, match="only writer"):
            async with open_ledger(tmp_path, PAPER):
                pass


_CHILD = """
import asyncio, sys
from pathlib import Path
from tests.execute.test_ledger import _first
from tidemill.execute.ledger import open_ledger
from tidemill.schema.events import ExecutionMode

async def main():
    async with open_ledger(Path(sys.argv[1]), ExecutionMode(sys.argv[2])) as ledger:
        for number in range(1_000_000):
            await ledger.tell(_first(str(number)), answer=(str(number), b"x"))
            print(number, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("mode", list(ExecutionMode))
async def test_what_was_told_survives_a_kill(tmp_path: Path, mode: ExecutionMode) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _CHILD,
        str(tmp_path),
        mode,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": "src:."},
    )
    assert child.stdout is not None
    last = -1
    while last < 20:
        last = int(await child.stdout.readline())
    child.send_signal(signals.SIGKILL)
    rest, _ = await child.communicate()
    last = max([last, *map(int, rest.split())])
    async with open_ledger(tmp_path, mode) as ledger:
        assert ledger.tally.signals in (last + 1, last + 2), "the last one may not have been heard of"
        assert all(ledger.answer_to(str(number)) == b"x" for number in range(last + 1))
    reader = open_bus(f"lmdb://{ledger_folder(tmp_path, mode)}", is_reader=True)
    async with reader as bus:
        assert await bus.head(TOPIC) in (last + 1, last + 2)
