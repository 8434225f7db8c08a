"""What the page takes of a browser while 500 events a second come: waits, memory, first paint.

`PAGE_SECONDS` (60) says for how long. The browser is headless: the processor does what a graphics card would.
What a click waits for needs a quiet machine; the processor time of the main thread's tasks does not. They are
traced after the rest was measured: to hand over a trace blocks the main thread itself.
"""

import asyncio
import gzip
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pyarrow as pa
from playwright.async_api import CDPSession, Page, async_playwright
from tests.serve.stored import StoredProgram

from benchmarks.row import Row
from benchmarks.served import serving, swaps
from tidemill.serve.routes.page import FOLDER

_SECONDS = float(os.environ.get("PAGE_SECONDS", "60"))
_EVENTS_A_S = 500
_BATCHES_A_S = 10
_TABLE = 10_000
_BLOCKED_MS = 50
_TRACED_S = 15
_WARM_UP_S = 10
"""Until what runs again and again is compiled."""
_HEAP_READINGS = 5
"""Over more than one drawing: rows that wait for it are in memory, too."""
_SCROLLS = 200
_WATCH = """
const tick_ms = 5;
window.watched = {blocked: [], waits: [], frames: [], keys: []};
const pressed = key => watched.keys.push(performance.now() - key.timeStamp);
addEventListener('keydown', pressed, {capture: true});
new PerformanceObserver(list => watched.blocked.push(...list.getEntries().map(one => one.duration)))
  .observe({type: 'longtask', buffered: true});
let [tick, frame] = [performance.now(), performance.now()];
setInterval(() => {
  const now = performance.now();
  // whoever had clicked at each moment in between had waited until now
  for (let wait = now - tick - tick_ms; ; wait -= tick_ms) {
    watched.waits.push(Math.max(wait, 0));
    if (wait <= tick_ms) break;
  }
  tick = now;
}, tick_ms);
const drawn = now => { watched.frames.push(now - frame); frame = now; requestAnimationFrame(drawn); };
requestAnimationFrame(drawn);
"""
_FORGET = "for (const one of Object.values(watched)) one.length = 0"


def run() -> list[Row]:
    """Measure the page on the view that shows each event, at the top of its table, then scrolled."""
    size_kb = sum(len(gzip.compress(file.read_bytes())) for file in FOLDER.rglob("*.*")) / 1e3
    return [
        Row("page: all that is loaded, gzip", size_kb, "kB", 500, "lower", "HTML, script, style, icon"),
        *asyncio.run(_run()),
    ]


async def _run() -> list[Row]:
    batches = _now(swaps(2 * _TABLE + int((_SECONDS + 120) * _EVENTS_A_S), _EVENTS_A_S // _BATCHES_A_S))
    stored = [("swap", next(batches)) for _ in range(_TABLE * _BATCHES_A_S // _EVENTS_A_S)]
    async with serving(iter(stored)) as (program, client), async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = await chromium.new_page(viewport={"width": 1400, "height": 900})
        await page.add_init_script(_WATCH)
        await page.goto(f"{client.url}/#/data?kind=swap")
        await page.locator("[data-index]").first.wait_for()
        paint_ms = await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        await _fill(page)
        telling = asyncio.create_task(_tell(program, batches))
        await page.wait_for_function(
            "full => document.querySelector('[aria-rowcount]').ariaRowCount > full", arg=_TABLE
        )
        await asyncio.sleep(_WARM_UP_S)
        rows = await _measured(page, await page.context.new_cdp_session(page))
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling
        await chromium.close()
    return [Row("page: first paint", paint_ms, "ms", 1_000, "lower", "loopback"), *rows]


async def _fill(page: Page) -> None:
    """Have the table hold as much as it can: from then on memory is to be flat."""
    earlier = page.get_by_role("button", name="earlier ones")
    rows = 0
    while await earlier.is_visible() and rows < _TABLE * 0.95:
        await earlier.click()
        await page.wait_for_function(
            "before => document.querySelector('[aria-rowcount]').ariaRowCount > before", arg=rows + 1
        )
        rows = int(await page.locator("[aria-rowcount]").first.get_attribute("aria-rowcount") or 0) - 1


async def _measured(page: Page, browser: CDPSession) -> list[Row]:
    before_mb = await _heap_mb(browser)
    await page.evaluate(_FORGET)
    await asyncio.sleep(_SECONDS)
    seen: dict[str, list[float]] = await page.evaluate("watched")
    await page.evaluate(_FORGET)
    after_mb = await _heap_mb(browser)
    tasks_ms = await _tasks_ms(browser)
    await page.evaluate(_FORGET)
    await page.mouse.move(700, 500)
    for _ in range(_SCROLLS):
        await page.mouse.wheel(0, _TABLE * 28 / _SCROLLS)
        await page.keyboard.press("Shift")
    pressed: list[float] = await page.evaluate("watched.keys")
    what = f"{_EVENTS_A_S} events/s into a table of 10,000 rows"
    note, traced = f"{what}, for {_SECONDS:g} s", f"processor time; {what}, for {_TRACED_S} s"
    blocked = seen["blocked"]
    blocked_percent = sum(blocked) / _SECONDS / 10
    grown = after_mb / before_mb
    scrolling = "10,000 rows, as fast as a wheel turns, while events come"
    return [
        Row("page: main thread's longest task", max(tasks_ms), "ms", _BLOCKED_MS, "lower", traced),
        Row("page: main thread busy", sum(tasks_ms) / _TRACED_S / 10, "%", None, "lower", traced),
        Row("page: a click waits, 99 of 100", _p99(seen["waits"]), "ms", _BLOCKED_MS, "lower", note),
        Row("page: a frame, 99 of 100", _p99(seen["frames"]), "ms", _BLOCKED_MS, "lower", note),
        Row("page: main thread blocked over 50 ms", blocked_percent, "%", 1, "lower", f"of the time; {note}"),
        Row("page: how often that is", len(blocked), "times", None, "lower", note),
        Row("page: the longest of these", max(blocked, default=0), "ms", None, "lower", note),
        Row("page: memory after, against before", grown, "×", 1.1, "lower", f"{before_mb:.1f} MB; {note}"),
        Row("page: a key while scrolling, 99 of 100", _p99(pressed), "ms", _BLOCKED_MS, "lower", scrolling),
    ]


async def _tasks_ms(browser: CDPSession) -> list[float]:
    """Return the processor time of every task of the main thread for a while."""
    events: list[dict[str, Any]] = []
    is_complete = asyncio.Event()
    browser.on("Tracing.dataCollected", lambda told: events.extend(told["value"]))
    browser.on("Tracing.tracingComplete", lambda _: is_complete.set())
    settings = {"includedCategories": ["toplevel"], "recordMode": "recordAsMuchAsPossible"}
    await browser.send("Tracing.start", {"transferMode": "ReportEvents", "traceConfig": settings})
    await asyncio.sleep(_TRACED_S)
    await browser.send("Tracing.end")
    await is_complete.wait()
    main = {
        (one["pid"], one["tid"])
        for one in events
        if one["name"] == "thread_name" and one["args"]["name"] == "CrRendererMain"
    }
    return [
        one["tdur"] / 1e3
        for one in events
        if one["name"].endswith("RunTask") and "tdur" in one and (one["pid"], one["tid"]) in main
    ]


def _p99(values: list[float]) -> float:
    return sorted(values)[len(values) * 99 // 100]


async def _heap_mb(browser: CDPSession) -> float:
    """Return the least of some readings."""
    readings = []
    for _ in range(_HEAP_READINGS):
        await browser.send("HeapProfiler.collectGarbage")
        readings.append((await browser.send("Runtime.getHeapUsage"))["usedSize"] / 1e6)
        await asyncio.sleep(0.1)
    return min(readings)


def _now(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the batches as if they had happened as they are taken."""
    for batch in batches:
        at = batch.schema.get_field_index("event_ns")
        times = pa.array([time.time_ns()] * batch.num_rows).cast(batch.schema.field(at).type)
        yield batch.set_column(at, batch.schema.field(at), times)


async def _tell(program: StoredProgram, batches: Iterator[pa.RecordBatch]) -> None:
    began_s = time.monotonic()
    for number, batch in enumerate(batches, 1):
        await program.commit("swap", batch, is_stored=False)
        await asyncio.sleep(max(0, began_s + number / _BATCHES_A_S - time.monotonic()))
