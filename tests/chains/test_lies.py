"""An endpoint that leaves out logs at random never gets one past the proof, however often it is asked."""

import json
import os
import random
from typing import Any

import pytest

from tidemill.chains.evm.config import EndpointConfig
from tidemill.chains.evm.scorecard import Vice

from .driver import Driver, chain_of, config_of
from .fake_node import FakeNode

LOGS = int(os.environ.get("LIES_LOGS", "100000"))
ONE_IN = int(os.environ.get("LIES_ONE_IN", "1000"))
LOGS_A_BLOCK = 200
HOUR_MS = 3_600_000
"""Between two blocks, so that what the liar did is forgotten and it is asked first again."""


class Liar(FakeNode):
    """Leaves out one log in so many of every answer, and puts the rest of a receipt's in order."""

    def __init__(self, honest: FakeNode, chance: random.Random) -> None:
        super().__init__()
        self.blocks, self.by_hash = honest.blocks, honest.by_hash
        self.left_out: set[str] = set()
        self._chance = chance

    def call(self, method: str, params: Any) -> Any:
        found = super().call(method, params)
        if method == "eth_getLogs":
            return [log for log in found if not self._leaves_out(log)]
        if method == "eth_getBlockReceipts" and found is not None:
            return renumbered([receipt for receipt in found if not self._leaves_out(receipt["logs"][0])])
        return found

    def _leaves_out(self, log: dict[str, Any]) -> bool:
        leaves = self._chance.randrange(ONE_IN) == 0
        if leaves:
            self.left_out.add(log["blockHash"])
        return leaves


def renumbered(receipts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A liar that knows how an answer must look."""
    made = list[dict[str, Any]]()
    for at, receipt in enumerate(receipts):
        place = {"transactionIndex": hex(at)}
        log = receipt["logs"][0] | place | {"logIndex": hex(at)}
        made.append(receipt | place | {"logs": [log]})
    return made


@pytest.mark.timeout(3_000)
@pytest.mark.parametrize("proof", ["receipts_root", "claimed"])
def test_no_log_that_was_left_out_is_missed(proof: str) -> None:
    honest, chance = FakeNode(), random.Random(5)
    fallback = EndpointConfig(ws_url="ws://127.0.0.1:2")
    driver = Driver(honest, config_of(proof=proof, fallbacks=(fallback,)))
    liar = Liar(honest, chance)
    driver.nodes[""] = liar
    driver.open("ws", "ws1")
    emitted = 0
    for _ in range(LOGS // LOGS_A_BLOCK):
        driver.tick(HOUR_MS)
        driver.settle()
        block = honest.mine(LOGS_A_BLOCK)
        if proof == "claimed":  # then the other's announcements are all that there is
            driver.announce(block, by="ws1")
        driver.announce(block, by="ws", logs=False)
        driver.announce(block, by="ws1", logs=False)
        while driver.follower.tip[0] < block.number:
            driver.settle(ticks=1)
        emitted += len(driver.emitted_logs())
        assert driver.canonical()[-1:] == chain_of(honest)[-1:]
        driver.steps.clear()
        driver.entries.clear()
    assert emitted == LOGS // LOGS_A_BLOCK * LOGS_A_BLOCK
    card = driver.follower.links.cards[0]
    assert card.vices.get(Vice.LIED, 0) >= len(liar.left_out) > LOGS // ONE_IN // 3
    assert Vice.LIED not in driver.follower.links.cards[1].vices


def test_a_renumbered_answer_still_reads_well() -> None:
    block = FakeNode().mine(3)
    kept = renumbered(block.receipts()[1:])
    assert [log["logIndex"] for receipt in kept for log in receipt["logs"]] == ["0x0", "0x1"]
    assert json.dumps(kept)
