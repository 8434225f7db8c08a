"""Have an execution server carry out trades: `ExecutionManager`, and `execute_trade` for one of them."""

import secrets
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec

from tidemill.schema.faults import Malformed, Refused, Unreachable

NOT_CONNECTED = "Failed to connect to execution server"
"""Source: the execution layer's document, "Troubleshooting"."""
_TIMEOUT_S = 60.0
_TRIES = 2


class ExecutionManager:
    """A client of the execution server; `initialize` first, `close` at last, or use it with `async with`."""

    def __init__(
        self, host: str = "localhost", port: int = 8545, mode: str | None = None, api_key: str | None = None
    ) -> None:
        """`mode` is the one that the server must have, PAPER or LIVE; None: any."""
        self._url = f"http://{host}:{port}"
        self._mode = mode
        self._headers = {} if api_key is None else {"X-API-Key": api_key}
        self._session: aiohttp.ClientSession | None = None

    async def initialize(self) -> dict[str, Any]:
        """Connect, and return the server's health.

        Raises: Unreachable, where no server answers; Refused, where its mode is another.
        """
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S), headers=self._headers
            )
        try:
            _, health = await self._ask("GET", "/health")
            if self._mode is not None and health.get("mode") != self._mode:
                raise Refused(
                    f"execution server {self._url}: expected mode {self._mode}, found {health.get('mode')}"
                )
        except BaseException:
            await self.close()
            raise
        return health

    async def submit_trade(
        self,
        chain_id: int,
        token: str,
        amount: str | int,
        flash_source: int,
        protocols: Sequence[int],
        routers: Sequence[str],
        path: Sequence[str],
        extras: Sequence[bytes | str],
        expected_profit: float | None = None,
        *,
        idempotency_key: str | None = None,
        lender: str | None = None,
        min_profit: str | int | None = None,
        priority_fee_wei: int | None = None,
    ) -> dict[str, Any]:
        """Return what the server answers: `success`, and `error` where that is false.

        A repeat after a connection that broke is the same trade: it has the same key, one of ours by default.

        Raises: Unreachable, where no server answers.
        """
        body = {
            "chainId": chain_id,
            "token": token,
            "amount": str(amount),
            "flashSource": flash_source,
            "protocols": list(protocols),
            "routers": list(routers),
            "path": list(path),
            "extras": [one if isinstance(one, str) else "0x" + one.hex() for one in extras],
            "expected_profit": expected_profit,
            "idempotency_key": idempotency_key or secrets.token_hex(16),
        }
        if lender is not None:
            body["lender"] = lender
        if min_profit is not None:
            body["minProfit"] = str(min_profit)
        if priority_fee_wei is not None:
            body["priorityFeeWei"] = str(priority_fee_wei)
        _, answer = await self._ask("POST", "/execute", body)
        if "success" not in answer:  # turned away before it was read: no key, too often
            return {"success": False, "error": answer.get("message", "no reason was given")}
        return answer

    async def get_statistics(self) -> dict[str, Any]:
        """Return the server's statistics. Raises: Unreachable, Refused."""
        status, answer = await self._ask("GET", "/stats")
        if status != 200:
            raise Refused(f"execution server {self._url}: expected statistics, found HTTP {status}: {answer}")
        return answer

    async def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __aenter__(self) -> Self:
        await self.initialize()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _ask(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        if self._session is None:
            raise Unreachable(f"{NOT_CONNECTED}: call initialize() first")
        data = None if body is None else msgspec.json.encode(body)
        for left in reversed(range(_TRIES)):
            try:
                async with self._session.request(method, self._url + path, data=data) as answer:
                    return answer.status, _read(await answer.read(), self._url)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                if not left:
                    why = str(error) or type(error).__name__
                    raise Unreachable(f"{NOT_CONNECTED} at {self._url}: {why}") from error
        raise AssertionError("the last try returns or raises")


def _read(body: bytes, url: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise Malformed(f"execution server {url}: expected JSON, found {body[:60]!r}") from error


async def execute_trade(
    chain_id: int,
    token: str,
    amount: str | int,
    flash_source: int,
    protocols: Sequence[int],
    routers: Sequence[str],
    path: Sequence[str],
    extras: Sequence[bytes | str],
    expected_profit: float | None = None,
    *,
    host: str = "localhost",
    port: int = 8545,
    **more: Any,
) -> dict[str, Any]:
    """Have one trade carried out by the server there, with all that `ExecutionManager.submit_trade` takes."""
    async with ExecutionManager(host, port) as manager:
        return await manager.submit_trade(
            chain_id, token, amount, flash_source, protocols, routers, path, extras, expected_profit, **more
        )
