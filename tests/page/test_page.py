"""The page as people use it: in a browser, on a program that reads a chain with traders."""

import re

import pytest
from tests.app.order_fills import WHALE

from .program import at, looking, serious, settled, states, token
from .told import shown_rows

_HIDDEN_MS = 6_000
"""Longer than anything waits that asks again and again while it is seen."""
_LASTS_S = 20
"""Until then a slow machine has shown a table, too."""
_COUNT_AND_NUMBERS = """table => [
  table.querySelector(".count").textContent,
  [...table.querySelectorAll("[data-index] [data-column=block_number]")].map(cell => +cell.textContent),
]"""
"""How many rows are told, and the blocks of those in sight, at one moment."""

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]


async def test_a_switch_of_the_registry_is_turned(page, program):
    await at(page, program, "whales")
    line = page.locator(f"[data-whale='{WHALE}']")
    switch = line.get_by_role("switch", name=re.compile("copied"))
    await switch.wait_for()
    before = await switch.is_checked()
    async with page.expect_response(lambda answer: answer.request.method == "PATCH"):
        await switch.click()
    (whale,) = [one for one in await program.get("/whales") if one["address"] == WHALE]
    assert whale["is_copying_enabled"] is not before


async def test_the_kill_switch_is_engaged_once_that_is_confirmed(page, program):
    await at(page, program, "execution")
    button = page.get_by_role("button", name="engage the kill switch")
    page.once("dialog", lambda asked: asked.dismiss())
    await button.click()
    assert not (await program.get("/kill"))["engaged"]
    page.once("dialog", lambda asked: asked.accept())
    await button.click()
    await page.get_by_text("The kill switch is engaged by endpoint").wait_for()
    assert (await program.get("/kill"))["engaged"]
    assert await serious(page) == []


async def test_a_server_that_was_away_leaves_neither_gap_nor_repeat(page, program):
    await at(page, program, "data", kind="block")
    await settled(page)
    await program.stop()
    await states(page, "lost")
    await page.get_by_text(re.compile(r"data \d+ s old")).wait_for()
    await program.start()
    await states(page, "live")
    before = (await program.rows("block", limit="1"))[0]["block_number"]
    await page.wait_for_function(
        "before => +document.querySelector('[data-index] [data-column=block_number]').textContent > before",
        arg=before,
    )
    text, numbers = await page.locator("section[aria-label=block]").evaluate(_COUNT_AND_NUMBERS)
    first = (await program.rows("block", limit="1", order="oldest"))[0]["block_number"]
    assert numbers == list(range(numbers[0], numbers[0] - len(numbers), -1))
    assert int(re.match(r"\d+", text)[0]) == numbers[0] - first + 1, "each block once"


async def test_a_hidden_tab_costs_nothing_and_goes_on(page, program):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    browser = await page.context.new_cdp_session(page)
    await browser.send("Performance.enable")

    async def busy_s():
        told = (await browser.send("Performance.getMetrics"))["metrics"]
        return next(one["value"] for one in told if one["name"] == "TaskDuration")

    for view, chosen, loaded in (
        ("data", {"kind": "block"}, "[data-index]"),
        ("books", {"id": "sei~SEI/USDC"}, "table[aria-label=bids] tbody tr"),
        ("now", {}, "[data-endpoint]"),
    ):
        await at(page, program, view, **chosen)
        await states(page, "live")
        await page.locator(loaded).first.wait_for()
        await _turn(page, is_hidden=True)
        await page.wait_for_load_state("networkidle")
        asked.clear()
        began_s = await busy_s()
        await page.wait_for_timeout(_HIDDEN_MS)
        assert asked == []
        assert await busy_s() - began_s < _HIDDEN_MS / 1000 * 0.05
        await _turn(page, is_hidden=False)
        await states(page, "live")
    await at(page, program, "data", kind="block")
    await settled(page)
    await _turn(page, is_hidden=True)
    await states(page, "resting")
    behind = (await program.rows("block", limit="1"))[0]["block_number"]
    await _turn(page, is_hidden=False)
    await states(page, "live")
    await page.wait_for_function(
        "behind => +document.querySelector('[data-index] [data-column=block_number]').textContent > behind",
        arg=behind,
    )
    numbers = [int(one["block_number"][0]) for one in await shown_rows(page, "block")]
    assert numbers == list(range(numbers[0], numbers[0] - len(numbers), -1))


async def _turn(page, *, is_hidden):
    """Have the page believe that its tab is hidden, or seen again: a headless browser hides none."""
    value = "true" if is_hidden else "false"
    await page.evaluate(f"Object.defineProperty(document, 'hidden', {{value: {value}, configurable: true}})")
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


async def test_a_table_is_walked_by_keyboard_alone(page, program):
    await at(page, program, "opportunities", last="24h")
    await settled(page)
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip"
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main"
    while not await page.evaluate("document.activeElement.matches('[role=table]')"):
        await page.keyboard.press("Tab")
    for key in ("ArrowDown", "End", "Home", "ArrowDown"):
        await page.keyboard.press(key)
        await page.wait_for_function("() => document.activeElement.matches('[data-index]')")
    await page.keyboard.press("Enter")
    await page.get_by_role("region", name="the chosen opportunity").wait_for()
    assert "id=" in page.url


async def test_a_row_that_one_reads_stays_while_newer_ones_come(page, program):
    await at(page, program, "data", kind="block", last="24h")
    await settled(page)
    table = page.get_by_role("table", name=re.compile("^block"))
    await page.wait_for_function("() => +document.querySelector('[aria-rowcount]').ariaRowCount > 40")
    await table.evaluate("one => one.scrollTop = 8 * 28 + 5")
    await page.wait_for_function("() => document.querySelectorAll('[data-index=\"28\"]').length")
    tops = """[...document.querySelectorAll('[data-index]')].map(row =>
        [row.querySelector('[data-column=block_number]').textContent, row.getBoundingClientRect().y])"""
    number, y = (await page.evaluate(tops))[10]
    count = int(await table.get_attribute("aria-rowcount"))
    await page.wait_for_function(
        "was => +document.querySelector('[aria-rowcount]').ariaRowCount > was", arg=count + 5
    )
    assert dict(await page.evaluate(tops))[number] == y
    await table.evaluate("one => one.scrollTop = 0")
    await page.wait_for_function(
        "was => +document.querySelector('[data-index=\"0\"] [data-column=block_number]')?.textContent > was",
        arg=int(number),
    )


async def test_an_address_is_copied_whole_by_keyboard(page, program):
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await at(page, program, "pools")
    await settled(page)
    table = page.get_by_role("table", name=re.compile("^pool"))
    await table.focus()
    await page.keyboard.press("ArrowDown")
    await page.wait_for_function("() => document.activeElement.matches('[data-index]')")
    shown = page.locator("[data-index]:focus [data-column=pool] .short")
    whole = await shown.get_attribute("title")
    while await page.evaluate("document.activeElement.ariaLabel") != f"copy {whole}":
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name=f"copy {whole}").filter(has_text="✓").wait_for()
    assert await page.evaluate("navigator.clipboard.readText()") == whole


async def test_who_has_no_key_logs_in_and_a_wrong_one_is_refused(chromium, program):
    async with looking(chromium, program, None) as page:
        key = page.get_by_label("API key or token")
        await key.fill("tidemill_000000000000_wrong")
        await key.press("Enter")
        await page.get_by_role("alert").wait_for()
        assert await serious(page) == []
        await key.fill(token("viewer"))
        await key.press("Enter")
        await page.get_by_role("link", name="Pools").wait_for()


async def test_what_a_viewer_may_not_do_is_neither_shown_nor_possible(chromium, program):
    async with looking(chromium, program, token("viewer")) as page:
        await page.get_by_role("link", name="Pools").wait_for()
        assert await page.get_by_role("link", name="Exports").count() == 0
        await page.goto(f"{program.url}/#/exports")
        await page.get_by_text("Your role does not show this view.").wait_for()
        await at(page, program, "data")
        await settled(page)
        assert await page.get_by_label("SQL, which only reads").count() == 0
        await at(page, program, "whales")
        await page.locator("[data-whale]").first.wait_for()
        assert await page.get_by_role("switch").count() == 0
        await at(page, program, "execution")
        await page.get_by_text(re.compile("The kill switch is")).wait_for()
        assert await page.get_by_role("button", name="engage the kill switch").count() == 0
        headers = {"Authorization": f"Bearer {token('viewer')}"}
        for method, path, body in (
            ("PATCH", f"/whales/{WHALE}", {"is_enabled": False}),
            ("POST", "/kill", {}),
            ("POST", "/sql", {"query": "SELECT 1"}),
            ("POST", "/export/csv", {"table": "pool"}),
            ("GET", "/exports", None),
        ):
            answer = await page.request.fetch(program.url + path, method=method, headers=headers, data=body)
            assert answer.status == 403, path


async def test_a_token_that_ends_leads_to_the_login(chromium, program):
    async with looking(chromium, program, token("viewer", lasts_s=_LASTS_S)) as page:
        await at(page, program, "data")
        await settled(page)
        await page.get_by_label("API key or token").wait_for()
        assert await page.locator("table, [role=table]").count() == 0


async def test_times_say_their_zone(chromium, program):
    async with looking(chromium, program, token("admin"), timezone_id="Asia/Tokyo") as page:
        await at(page, program, "data")
        await settled(page)
        moment = page.locator("[data-column=event_ns] time").first
        assert (await moment.get_attribute("title")).endswith(" UTC")
        await page.get_by_role("button", name="times: UTC").click()
        await page.get_by_role("button", name="times: local time (Asia/Tokyo)").wait_for()
        assert (await moment.get_attribute("title")).endswith(" local")


async def test_the_page_is_kept_for_ever_and_runs_nothing_inline(chromium, program):
    async with looking(chromium, program, None) as page:
        answer = await page.request.get(program.url)
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        again = await page.request.get(program.url, headers={"If-None-Match": answer.headers["etag"]})
        assert again.status == 304
        for asset in re.findall(r"/assets/[\w.-]+", await answer.text()):
            sent = await page.request.get(program.url + asset)
            assert "immutable" in sent.headers["cache-control"]
        outside = await page.request.get(f"{program.url}/assets/..%2findex.html")
        assert outside.status == 401  # no route at all, and strangers are not told which there are
        assert (await page.request.get(f"{program.url}/assets/other.js")).status == 404
