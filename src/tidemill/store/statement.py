"""Judge whether a statement only reads the store, from the spelling that the engine itself gives it."""

import re

from tidemill.schema.faults import Refused

NORMALISE_SQL = "SELECT formatQuerySingleLine({q:String}) AS normal"
"""Asks the engine for its own spelling: one statement, no comments, keywords in capitals, literals in
quotes."""

# The engine's errors that the same statement would meet again: syntax, unknown names, types, values that do
# not fit, data that cannot be read, and what is not allowed. Any other on a write may pass: no room, memory,
# parts.
LASTING_ERRORS = frozenset(
    {6, 8, 10, 16, 26, 27, 36, 38, 41, 43, 44, 46, 47, 50, 53, 57, 60, 62, 70, 72, 81, 117, 164, 497, 516}
)
"""Their numbers."""

_READING = {"SELECT", "WITH", "EXPLAIN", "SHOW", "DESCRIBE", "EXISTS"}
_SHOWN = {"COLUMNS", "CREATE", "DATABASES", "FUNCTIONS", "INDEX", "INDEXES", "TABLES"}
"""What SHOW may tell of; not of the process list, which holds what others ask, nor of users and settings."""
_MAKING = {"numbers", "zeros", "values", "generate_series", "generateSeries", "view", "null"}
"""Functions in the place of a table that reach nothing; the others read files, networks and programs."""
_IN_PLACE = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)\s*\(", re.IGNORECASE)
_ENGINES_OWN = re.compile(r"\b(?:system|information_schema)\s*\.\s*(\w+)", re.IGNORECASE)
_TOLD = {"one", "numbers", "tables", "columns", "parts", "functions"}
"""The engine's own tables that tell of ours; the others tell of its users and its machine."""
_QUOTED = re.compile(r"'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`|\"(?:\\.|[^\"\\])*\"", re.DOTALL)
# What the engine's read-only mode lets through, as tried: `file('/etc/passwd')` reads any file, INTO OUTFILE
# writes one, Python() reads objects of this process, and KILL and USE are statements that it takes for
# reading.
_OUTSIDE = re.compile(
    r"\b(file\w*|python|url\w*|s3\w*|gcs|cosn|oss|hdfs\w*|azureBlobStorage\w*|iceberg\w*|deltaLake\w*|hudi\w*|paimon\w*"
    r"|remote|remoteSecure|cluster\w*|mysql|postgresql|mongodb|redis|sqlite|odbc|jdbc|ytsaurus|arrowFlight"
    r"|executable|input|dictionary|dictGet\w*|merge|mergeTree\w*|loop)\s*\(|\bINTO\s+OUTFILE\b",
    re.IGNORECASE,
)
_FORMAT = re.compile(r"\bFORMAT\s+\w+\s*(SETTINGS\b.*)?$")


def check_reading(normal: str) -> None:
    """Let a statement pass that reads tables and nothing else.

    `normal` is the engine's spelling of it.

    Raises: Refused, naming what it found.
    """
    verb = normal.split(maxsplit=1)[0].upper() if normal.strip() else ""
    if verb not in _READING:
        raise Refused(f"sql: expected a statement that reads ({', '.join(sorted(_READING))}), found {verb!r}")
    words = normal.split(maxsplit=2)
    if verb == "SHOW" and (len(words) < 2 or words[1].upper() not in _SHOWN):
        raise Refused(
            f"sql: expected SHOW and one of {', '.join(sorted(_SHOWN))}, found {' '.join(words[:2])!r}"
        )
    bare = _QUOTED.sub("''", normal)
    outside = _OUTSIDE.search(bare)
    if outside is not None:
        raise Refused(f"sql: expected to read tables only, found {outside.group(0).strip('( ')!r}")
    for name in _IN_PLACE.findall(bare):
        if name not in _MAKING:
            raise Refused(f"sql: expected to read tables only, found {name!r}")
    for name in _ENGINES_OWN.findall(bare):
        if name.lower() not in _TOLD:
            raise Refused(f"sql: expected a table of events, found system.{name}")
    if _FORMAT.search(bare):
        raise Refused("sql: expected no FORMAT, for the answer is Arrow; leave it out")


def has_columns(normal: str) -> bool:
    """Say whether the statement is a query whose columns DESCRIBE can tell."""
    return normal.startswith(("SELECT", "WITH"))


def bound(value: str) -> str:
    r"""Return `value` as a bound parameter spells it: the engine reads parameters as tab-separated text."""
    return (
        value.replace("\\", "\\\\")
        .replace("\t", "\\t")
        .replace("\n", "\\n")
        .replace("\r", "\\r")
        .replace("\0", "\\0")
    )


def first_line(message: str) -> str:
    """Return the engine's own words without its stack, version and repetitions."""
    line = message.strip().split("\n", 1)[0]
    line = re.sub(r"^(Streaming insert \w+ failed: )?(Code: \d+\. )?(DB::Exception: )?", "", line)
    return re.sub(r" \(version [^)]*\)", "", line)


def error_code(message: str) -> int | None:
    """Return the engine's number of the error; None where the message has none."""
    found = re.search(r"Code: (\d+)", message)
    return int(found.group(1)) if found else None
