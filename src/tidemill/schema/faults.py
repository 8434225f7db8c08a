"""Every way in which the outside can fail us, grouped by remedy.

    Fault
    ├── Malformed     what came cannot be read: keep the bytes, go on
    ├── Unknown       it names something we have not met: refresh the registry
    ├── Gap           something is missing: restart that book, pool or range
    ├── Unreachable   nobody answers, or no room is left: back off and try again
    ├── Refused       the other side, or our own rule, said no: do not retry
    └── Unsafe        going on could do harm: stop

Anything else that is raised is a bug of ours and ends the process. A message says what was expected, what was
found and where.
"""

from collections.abc import Iterator


class Fault(Exception):
    """The outside failed; the class says what to do about it."""


class Malformed(Fault):
    """What came cannot be read: keep the bytes and go on."""


class Unknown(Fault):
    """It names something that the registry lacks: refresh the registry."""


class Gap(Fault):
    """Something is missing: restart the book, pool or range that it belongs to."""


class Unreachable(Fault):
    """Nobody answers, or no room is left: back off and try again."""


class Refused(Fault):
    """The other side, or a rule of ours, said no: a retry would be told the same."""


class Unsafe(Fault):
    """Going on could do harm: stop what depends on it."""


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield what was raised: the errors in a group and in the groups in it, in order, or `error` itself."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from leaves(one)
    else:
        yield error
