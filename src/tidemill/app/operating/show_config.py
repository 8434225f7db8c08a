"""`tidemill config`: print every setting in force and where it comes from."""

import json

from tidemill.app.settings import Environment


def main(environment: Environment, *, is_json: bool) -> int:
    """Print the settings; return the exit code."""
    rows = list(environment.loaded.rows())
    if is_json:
        print(json.dumps({row.key: {"value": row.value, "origin": row.origin} for row in rows}, indent=2))
        return 0
    key_width = max(len(row.key) for row in rows)
    value_width = min(max(len(row.value) for row in rows), 60)
    for row in rows:
        print(f"{row.key:<{key_width}}  {row.value:<{value_width}}  {row.origin}")
    return 0
