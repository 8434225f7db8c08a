"""What does the page tell of an event, compared with what the API tells of it."""

from datetime import UTC, datetime
from typing import Any

from playwright.async_api import Page

from tidemill.schema import derive

_READ = """table => [...table.querySelectorAll('[data-index]')].slice(0, 12).map(row => Object.fromEntries(
  [...row.querySelectorAll('[data-column]')].map(cell => {
    const titled = cell.querySelector('[title]');
    return [cell.dataset.column, [cell.textContent.trim(), titled?.getAttribute('title') ?? null]];
  })))"""


async def shown_rows(page: Page, kind: str) -> list[dict[str, tuple[str, str | None]]]:
    """Return of the rows in sight each column's text and title."""
    return await page.locator(f"section[aria-label={kind}] [role=table]").first.evaluate(_READ)


def equal_values(kind: str, shown: dict[str, tuple[str, str | None]], row: dict[str, Any]) -> int:
    """Return how many values the page tells of `row`; -1, where one is another."""
    kinds = {column.name: column.logical.name for column in derive.columns(kind)}
    for name, (text, title) in shown.items():
        if not _is_equal(kinds[name], row.get(name), text, title):
            return -1
    return len(shown)


def _is_equal(kind: str, value: Any, text: str, title: str | None) -> bool:
    if value is None:
        return text == "–"
    match kind:
        case "Nanos":
            at = datetime.fromtimestamp(value // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%S")
            return title == f"{at}.{value % 10**9:09d} UTC"
        case "Hash" | "Address" | "Text":
            return title == value
        case "U128" | "U256" | "I256":
            return title is not None and title.split()[0] == value
        case "Fixed18":
            return title == value
        case "F64":
            return float(text) == value
        case _:
            return text == str(value)
