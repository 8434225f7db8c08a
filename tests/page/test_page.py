"""The page as people use it: in a browser, on a program that reads a chain with traders."""

import re
from pathlib import Path

import pytest
import pytest_asyncio
from tests.services import need_node

from tidemill.sandbox.deploy import open_world

from .program import at, browser, looking, program_on, settled, states, token
from .told import equal_values, shown_rows

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "screenshots"
AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
VIEWS = {
    "now": None,
    "coverage": "coverage",
    "pools": "pool",
    "books": "trade",
    "opportunities": "opportunity",
    "arbitrages": "arbitrage_transaction",
    "whales": None,
    "execution": None,
    "exports": None,
    "data": "swap",
}
"""Each with the kind of event that it has a table of."""
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def program(tmp_path_factory):
    need_node()
    async with open_world() as world, program_on(world, tmp_path_factory.mktemp("page")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium():
    need_node()
    async with browser() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def page(chromium, program):
    async with looking(chromium, program, token("admin")) as opened:
        yield opened


async def serious(page):
    """Return what axe finds that keeps people out."""
    await page.evaluate(AXE.read_text())  # not as a script of the page, whose policy forbids it
    found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    kept = [one for one in found["violations"] if one["impact"] in {"serious", "critical"}]
    return [(one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in kept]


async def picture(page, name):
    SCREENSHOTS.mkdir(exist_ok=True)
    await page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


@pytest.mark.parametrize("view", VIEWS)
async def test_a_view_shows_to_everybody_what_the_api_says(page, program, view):
    await at(page, program, view)
    await states(page, "live")
    kind = VIEWS[view]
    if kind is not None:
        await page.locator(f"section[aria-label={kind}] [data-index]").first.wait_for()
        shown, told = await shown_rows(page, kind), await program.rows(kind, limit="1000")
        values = [max(equal_values(kind, one, row) for row in told) for one in shown]
        assert min(values) > 0, f"expected events of the API, found {shown[values.index(min(values))]}"
        assert sum(values) >= 10
    assert await page.locator("main [role=alert]").all_inner_texts() == []
    assert await serious(page) == []
    await picture(page, view)


async def test_now_registry_and_ledger_show_what_the_api_says(page, program):
    await at(page, program, "now")
    health = await program.get("/health")
    for name, state in health["services"].items():
        assert await page.locator(f"[data-service='{name}']").inner_text() == f"{name} {state}"
    await at(page, program, "whales")
    (whale,) = await program.get("/whales")
    row = page.locator(f"[data-whale='{whale['address']}']")
    await row.wait_for()
    for name, said in (("is_enabled", "told"), ("is_copying_enabled", "copied")):
        assert await row.get_by_role("switch", name=re.compile(said)).is_checked() == whale[name]
    await at(page, program, "coverage")
    (ledger,) = [one for one in await program.get("/coverage") if one["source"] == "sandbox"]
    shown = page.locator("[data-source=sandbox]")
    assert await shown.locator("[data-block=from]").inner_text() == str(ledger["from_block"])


async def test_a_switch_of_the_registry_is_turned(page, program):
    await at(page, program, "whales")
    switch = page.get_by_role("switch", name=re.compile("copied"))
    before = await switch.is_checked()
    async with page.expect_response(lambda answer: answer.request.method == "PATCH"):
        await switch.click()
    (whale,) = await program.get("/whales")
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


async def test_an_opportunity_is_explained(page, program):
    await at(page, program, "opportunities")
    await page.locator("[data-index]").first.click()
    chosen = page.get_by_role("region", name="the chosen opportunity")
    await chosen.locator("tbody tr").nth(1).wait_for()
    opportunity = re.search(r"0x[0-9a-f]{64}", page.url)[0]
    hops = await program.rows("opportunity_hop", opportunity=opportunity)
    pools = (
        await chosen.locator("tbody")
        .first.locator("td span.short")
        .evaluate_all("all => all.map(one => one.title)")
    )
    assert {hop["pool"] for hop in hops} <= set(pools)
    await page.reload()  # the address has all of it
    await chosen.locator("tbody tr").nth(1).wait_for()


async def test_a_statement_is_answered_with_a_table_and_a_chart(page, program):
    await at(page, program, "data")
    await page.get_by_label("SQL, which only reads").fill(
        "SELECT number AS n, n * n AS square FROM numbers(5000)"
    )
    await page.keyboard.press("Control+Enter")
    answer = page.get_by_role("table", name="answer")
    await answer.locator("[data-index]").first.wait_for()
    assert await answer.get_attribute("aria-rowcount") == "5001"
    assert await answer.locator("[data-index]").count() < 60  # those in sight
    await answer.focus()
    await page.keyboard.press("End")
    await answer.locator("[data-index='4999']").wait_for()
    assert "24990001" in await answer.locator("[data-index='4999']").inner_text()
    await page.get_by_role("img", name=re.compile("^square")).wait_for()


async def test_an_export_is_made_taken_and_verified(page, program):
    await at(page, program, "exports")
    await page.get_by_label("table").select_option("pool")
    await page.get_by_label("format").select_option("csv")
    await page.get_by_role("button", name="export", exact=True).click()
    job = page.locator("[data-job]").last
    await job.get_by_text("done").wait_for()
    await job.get_by_role("button", name="verify").click()
    await job.get_by_text("as the manifest says").wait_for()
    async with page.expect_download() as taken:
        await job.get_by_role("button", name="download").click()
    lines = (await (await taken.value).path()).read_text().splitlines()
    assert len(lines) - 1 == int(await job.locator("[data-fact=rows]").inner_text()) > 0


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


async def test_a_phone_shows_it_without_scrolling_sideways_and_in_the_dark(chromium, program):
    async with looking(chromium, program, token("admin"), color_scheme="dark", **PHONE) as page:
        for view in ("now", "opportunities"):
            await at(page, program, view)
            await settled(page)
            assert await page.evaluate("document.documentElement.scrollWidth") <= 390
            assert await serious(page) == []
            await picture(page, f"phone-{view}")
        colour = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert colour == "rgb(16, 23, 29)"


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
