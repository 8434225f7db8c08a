"""How is Redis asked, and what does each way of failing mean."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from redis import exceptions as wrong
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from tidemill.core.endpoint import redact_text, redact_url
from tidemill.schema.faults import Refused, Unreachable
from tidemill.store.latest_config import RedisSettings

Command = tuple[str | bytes | int | float, ...] | bytes
"""One command with its arguments, or as it is sent."""

_COMMANDS_AT_ONCE = 1_000
_DENIED = (
    wrong.AuthenticationError,
    wrong.AuthorizationError,
    wrong.AuthenticationWrongNumberOfArgsError,
    wrong.NoPermissionError,
)
_PASSING = (
    wrong.OutOfMemoryError,
    wrong.ReadOnlyError,
    wrong.ClusterDownError,
    wrong.MasterDownError,
    wrong.TryAgainError,
)
_PASSING_CODES = ("MISCONF ", "BUSY ", "NOREPLICAS ")
"""How such errors begin that have no class of their own: the disk is full, a script runs, copies lag."""


class RedisLink:
    """A pool of connections to one Redis; use it as an async context manager."""

    def __init__(self, settings: RedisSettings) -> None:
        """Make one; nothing is sent yet. Raises: Refused, where the URL is none of Redis'."""
        assert settings.url is not None
        self._url = settings.url
        self.name = f"redis {redact_url(settings.url)}"
        timeout_s = settings.timeout_ms / 1_000
        try:
            self._pool = BlockingConnectionPool.from_url(
                settings.url,
                max_connections=settings.max_connections,
                timeout=timeout_s,
                socket_timeout=timeout_s,
                socket_connect_timeout=timeout_s,
                retry=Retry(NoBackoff(), 0),  # who asks decides when to ask again
            )
            self._pool.make_connection()  # nothing is sent; only here an unknown option of the URL shows
        except (ValueError, TypeError) as error:
            raise Refused(
                f"redis.url: expected redis://, rediss:// or unix://: {redact_text(str(error), settings.url)}"
            ) from None
        self._redis = Redis.from_pool(self._pool)

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        await self._redis.aclose()

    async def send(self, commands: list[Command]) -> None:
        """Have commands carried out in order, a thousand in one go.

        Raises: Unreachable, where it is not known which were, and all may be sent again; Refused.
        """
        for at in range(0, len(commands), _COMMANDS_AT_ONCE):
            with self._faults():
                await self._send(commands[at : at + _COMMANDS_AT_ONCE])

    async def _send(self, commands: list[Command]) -> None:
        """Send on one connection, and read every answer. Raises: what the library does."""
        connection = await self._pool.get_connection()
        try:
            packed: list[bytes] = []
            for command in commands:
                packed += [command] if isinstance(command, bytes) else connection.pack_command(*command)
            await connection.send_packed_command(packed)
            errors = [error for error in [await _answered(connection) for _ in commands] if error]
            _stay_cancelled()
        except BaseException:
            await connection.disconnect(nowait=True)  # answers may be left, which are not the next command's
            raise
        finally:
            await self._pool.release(connection)
        if errors:
            raise errors[0]

    async def ask(self, *command: str | bytes | int | float) -> Any:
        """Return the answer to one command. Raises: Unreachable, Refused."""
        with self._faults():
            return await self._redis.execute_command(*command)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
            _stay_cancelled()
        except _DENIED as error:
            raise Refused(
                f"{self.name}: expected the URL's user and password to be accepted, found:"
                f" {self._redacted(error)}; correct redis.url (REDIS_URL)"
            ) from None
        except wrong.ResponseError as error:
            if isinstance(error, _PASSING) or str(error).startswith(_PASSING_CODES):
                raise Unreachable(f"{self.name}: it takes nothing now: {self._redacted(error)}") from None
            raise Refused(f"{self.name}: expected it to take our commands: {self._redacted(error)}") from None
        except (wrong.RedisError, OSError, asyncio.IncompleteReadError) as error:
            raise Unreachable(f"{self.name}: {self._redacted(error)}") from None

    def _redacted(self, error: Exception) -> str:
        return redact_text(str(error) or type(error).__name__, self._url)


async def _answered(connection: AbstractConnection) -> wrong.ResponseError | None:
    """Read one answer; return the error that it is, if it is one."""
    try:
        await connection.read_response()
    except wrong.ResponseError as error:
        return error
    return None


def _stay_cancelled() -> None:
    """End a task that was cancelled while the library wrote: before Python 3.12 `wait_for`, through which it
    does, forgets a cancellation that comes as the write ends.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
