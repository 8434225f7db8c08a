"""The emulated Solana node by itself, as a program that others read."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import aiohttp
from tests.app.made_solana import circle

ROOT = Path(__file__).resolve().parents[3]


async def test_the_program_serves_what_its_files_hold(tmp_path: Path) -> None:
    file = tmp_path / "txs.json"
    file.write_text(json.dumps([circle(1_000, 2_000, f"tx{at}") for at in range(4)]))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tidemill.sandbox.emulators.solana", str(file), "--slot-ms=1"),
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(30), aiohttp.ClientSession() as session:
            assert process.stdout is not None
            said = json.loads(await process.stdout.readline())

            async def ask(method: str, *params: object) -> dict:
                question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
                async with session.post(said["http_url"], json=question) as answer:
                    return await answer.json()

            while (await ask("getSlot"))["result"] < said["last_slot"]:
                pass
            assert (await ask("getBlocks", 0, 5_000, {}))["result"] == [1_001, 1_002]
            block = (await ask("getBlock", 1_002, {"maxSupportedTransactionVersion": 1}))["result"]
            assert [tx["transaction"]["signatures"] for tx in block["transactions"]] == [["tx2"], ["tx3"]]
            assert (await ask("getBlock", 1_000, {}))["error"]["code"] == -32007
            assert (await ask("getBlock", 9_000, {}))["error"]["code"] == -32004
    finally:
        process.terminate()
        assert await process.wait() == 0
