"""The page as people use it: in a browser, on a program that reads a chain with traders."""

import re

import pytest
from tests.app.order_fills import WHALE

from .program import at, looking, serious, settled, states, token
from .told import shown_rows

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
    numbers = [int(one["block_number"][0]) for one in await shown_rows(page, "block")]
    count = int(re.match(r"\d+", await page.locator("section[aria-label=block] .count").inner_text())[0])
    assert numbers == list(range(numbers[0], numbers[0] - len(numbers), -1))
    newest = (await program.rows("block", limit="1"))[0]["block_number"]
    assert before <= count <= newest + 1  # each block once


async def test_a_hidden_tab_rests_and_goes_on(page, program):
    await at(page, program, "data", kind="block")
    await settled(page)
    await page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await states(page, "resting")
    await page.evaluate("Object.defineProperty(document, 'hidden', {value: false, configurable: true})")
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await states(page, "live")


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
        assert "eyJ" not in page.url
        assert await page.get_by_role("link", name="Exports").count() == 0
        await at(page, program, "data")
        await settled(page)
        assert await page.get_by_label("SQL, which only reads").count() == 0
        await at(page, program, "whales")
        assert await page.get_by_role("switch").count() == 0


async def test_a_token_that_ends_leads_to_the_login(chromium, program):
    async with looking(chromium, program, token("viewer", lasts_s=4)) as page:
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
