"""What the page takes of a browser while 500 events a second come: blocked moments, memory, first paint.

`PAGE_SECONDS` (60) says for how long. The browser is headless: the processor does what a graphics card would.
"""

import asyncio
import gzip
import os
import shutil
import time
from collections.abc import Iterator

import pyarrow as pa
from playwright.async_api import Page, async_playwright
from tests.serve.stored import StoredProgram

from benchmarks.row import Row
from benchmarks.served import serving, swaps
from tidemill.serve.routes.page import FOLDER

_SECONDS = float(os.environ.get("PAGE_SECONDS", "60"))
_EVENTS_A_S = 500
_BATCHES_A_S = 10
_STORED = 20_000
_WARM_S = 21.0
"""Until the table is full: from then on memory is to be flat."""
_BLOCKED_MS = 50
_WATCH = """
window.blocked = [];
new PerformanceObserver(list => window.blocked.push(...list.getEntries().map(one => one.duration)))
  .observe({type: 'longtask', buffered: true});
window.frames_ms = [];
let last = performance.now();
const tick = now => { window.frames_ms.push(now - last); last = now; requestAnimationFrame(tick); };
requestAnimationFrame(tick);
"""


def run() -> list[Row]:
    """Measure the page on the view that shows each event, at the top of its table."""
    size_kb = sum(len(gzip.compress(file.read_bytes())) for file in FOLDER.rglob("*.*")) / 1e3
    return [
        Row("page: all that is loaded, gzip", size_kb, "kB", 500, "lower", "HTML, script, style, icon"),
        *asyncio.run(_run()),
    ]


async def _run() -> list[Row]:
    batches = _now(swaps(_STORED + int((_SECONDS + 60) * _EVENTS_A_S), _EVENTS_A_S // _BATCHES_A_S))
    stored = [("swap", next(batches)) for _ in range(_STORED * _BATCHES_A_S // _EVENTS_A_S)]
    async with serving(iter(stored)) as (program, client), async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--js-flags=--expose-gc"]
        )
        page = await chromium.new_page(viewport={"width": 1400, "height": 900})
        await page.add_init_script(_WATCH)
        await page.goto(f"{client.url}/#/data?kind=swap")
        await page.locator("[data-index]").first.wait_for()
        paint_ms = await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        telling = asyncio.create_task(_tell(program, batches))
        await asyncio.sleep(_WARM_S)
        rows = await _measured(page, paint_ms)
        telling.cancel()
        await asyncio.wait([telling])
        await chromium.close()
    return rows


async def _measured(page: Page, paint_ms: float) -> list[Row]:
    before_mb = await _heap_mb(page)
    await page.evaluate("window.blocked = []; window.frames_ms = []")
    await asyncio.sleep(_SECONDS)
    blocked: list[float] = await page.evaluate("window.blocked")
    frames: list[float] = sorted(await page.evaluate("window.frames_ms"))
    after_mb = await _heap_mb(page)
    note = f"{_EVENTS_A_S} events/s for {_SECONDS:g} s into a table of 10,000 rows"
    return [
        Row("page: first paint", paint_ms, "ms", 1_000, "lower", "loopback"),
        Row("page: a frame, 99 of 100", frames[len(frames) * 99 // 100], "ms", _BLOCKED_MS, "lower", note),
        Row("page: main thread blocked over 50 ms", len(blocked), "times", None, "lower", note),
        Row("page: the longest of these", max(blocked, default=0), "ms", None, "lower", note),
        Row(
            "page: memory after, against before",
            after_mb / before_mb,
            "×",
            1.5,
            "lower",
            f"{before_mb:.1f} MB before",
        ),
    ]


async def _heap_mb(page: Page) -> float:
    await page.evaluate("gc()")
    return await page.evaluate("performance.memory.usedJSHeapSize") / 1e6


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
