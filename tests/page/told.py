"""What does the page tell, compared with what the API tells."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Error, Locator, Page

from tidemill.schema import derive

Cells = dict[str, tuple[str, str | None]]
"""Each column's text and title."""
Pairs = list[tuple[Any, Any]]
"""What the page shows, and what the API says of the same."""

VALUES = 10
"""So many of each view are compared at least."""
_PATIENCE_S = 120
_CELLS = """of => Object.fromEntries([...of.querySelectorAll('[data-column]')].map(one => {
    const cell = one.querySelector('dd') ?? one;
    return [one.dataset.column, [cell.textContent.trim(), cell.querySelector('[title]')?.title ?? null]];
}))"""
_ROWS = f"table => [...table.querySelectorAll('[data-index]')].slice(0, 12).map({_CELLS})"
_LINES = f"table => [...table.querySelectorAll('tbody tr')].map({_CELLS})"


async def shown_rows(page: Page, kind: str) -> list[Cells]:
    """Return of the rows in sight each column's text and title."""
    return await page.locator(f"section[aria-label={kind}] [role=table]").first.evaluate(_ROWS)


async def shown_facts(at: Locator, kind: str) -> Cells:
    """Return what is told of one event."""
    return await at.locator(f"dl[aria-label={kind}]").first.evaluate(_CELLS)


async def shown_lines(at: Locator, kind: str) -> list[Cells]:
    """Return the rows of a plain table."""
    return await at.get_by_role("region", name=kind).first.evaluate(_LINES)


def equal_values(kind: str, shown: Cells, row: dict[str, Any]) -> int:
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


async def until_agreed(
    page: Page,
    path: str,
    compared: Callable[[Any], Awaitable[Pairs]],
    *,
    least: int = VALUES,
    ask: Callable[[], Awaitable[Any]] | None = None,
) -> None:
    """Wait until the page shows what the API answered it last at `path`; `ask` has it asked.

    Fails with what differs, or where fewer values than `least` are compared.
    """
    pairs: Pairs = []
    try:
        async with asyncio.timeout(_PATIENCE_S):
            while not pairs or any(shown != said for shown, said in pairs):
                async with page.expect_response(lambda one: urlsplit(one.url).path == path) as heard:
                    if ask is not None:
                        await ask()
                try:
                    said = await (await heard.value).text()
                except Error as error:
                    if "navigated away" not in error.message:
                        raise
                    continue  # it answered the page that `ask` left: the next is heard
                pairs = await compared(json.loads(said))
    except TimeoutError:
        differing = [pair for pair in pairs if pair[0] != pair[1]]
        raise AssertionError(f"{path}: expected what the API says, found {differing or 'nothing'}") from None
    assert len(pairs) >= least, pairs


async def chart_told(page: Page, name: str, line: str) -> tuple[int, float, float, float]:
    """Return what a chart says in words of a line: how many values, the least, the greatest, the last."""
    said = await page.get_by_role("img", name=re.compile(f"^{re.escape(name)}")).get_attribute("aria-label")
    found = re.search(rf"{line}: (\d+) values from (\S+) to (\S+), the last ([^;]+)", said or "")
    assert found is not None, said
    return int(found[1]), float(found[2]), float(found[3]), float(found[4])


def grouped(digits: str) -> str:
    """Return digits in groups of three, as the page has them."""
    whole, point, fraction = digits.partition(".")
    return re.sub(r"\B(?=(\d{3})+$)", "\u202f", whole) + point + fraction
