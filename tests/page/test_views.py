"""Does each view show what the API says: ten values of each, and more, on a program that trades live."""

import re
from collections import Counter, defaultdict
from decimal import ROUND_HALF_UP, Decimal

import pytest
from tests.app.order_fills import WHALE
from tests.app.until import until

from .happenings import FILLED
from .program import ROOT, WAIT_MS, at, serious, states
from .told import (
    VALUES,
    chart_told,
    equal_values,
    grouped,
    shown_facts,
    shown_lines,
    shown_rows,
    until_agreed,
)

SCREENSHOTS = ROOT / "screenshots"
VIEWS = {
    "now": "health",
    "coverage": "coverage",
    "pools": "pool",
    "books": "trade",
    "opportunities": "opportunity",
    "arbitrages": "arbitrage_transaction",
    "whales": "whale_trade",
    "execution": "execution",
    "exports": None,
    "data": "swap",
}
"""Each with the kind of event that it has a table of."""
DESKTOP, PHONE = {"width": 1400, "height": 900}, {"width": 390, "height": 844}
_WEI = Decimal(10) ** 18

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]


async def picture(page, name):
    SCREENSHOTS.mkdir(exist_ok=True)
    await page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


async def events_agree(page, program, kind, **asked):
    """The rows in sight are events as the API tells them; what was just told is in the store soon."""
    await page.locator(f"section[aria-label={kind}] [data-index]").first.wait_for()
    shown = await shown_rows(page, kind)

    async def are_told():
        rows = await program.rows(kind, limit="10000", **asked)
        values = [max((equal_values(kind, one, row) for row in rows), default=-1) for one in shown]
        return min(values) > 0 and sum(values) >= VALUES

    await until(are_told, WAIT_MS / 1000)


@pytest.mark.parametrize("view", VIEWS)
async def test_everybody_can_read_a_view_and_it_shows_what_the_api_says(page, program, view):
    await at(page, program, view)
    await states(page, "live")
    if VIEWS[view] is not None:
        await events_agree(page, program, VIEWS[view])
    assert await page.locator("main p[role=alert]").all_inner_texts() == []
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        for device, size in (("desktop", DESKTOP), ("phone", PHONE)):
            await page.set_viewport_size(size)
            assert await serious(page) == [], (scheme, device)
            assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"]
            await picture(page, f"{view}-{scheme}-{device}")


@pytest.mark.parametrize("view", VIEWS)
async def test_a_view_has_its_time_range_in_the_address(page, program, view):
    await at(page, program, view, last="15m")
    picker = page.locator(".range select")
    assert await picker.input_value() == "15m"
    await picker.select_option("6h")
    await page.wait_for_url(re.compile("last=6h"))
    await page.get_by_role("button", name="hold").click()
    await page.get_by_role("button", name="live again").wait_for()
    start, end = (int(re.search(rf"{name}=(\d+)", page.url)[1]) for name in ("start", "end"))
    assert (end - start) // 10**9 == 6 * 3600
    await page.reload()
    await page.get_by_role("button", name="live again").wait_for()
    kind = VIEWS[view]
    if kind not in (None, "pool"):  # pools are all shown, however old
        await page.locator(f"section[aria-label={kind}] [data-index]").first.wait_for()
        between = {"start": str(start), "end": str(end)}
        await events_agree(page, program, kind, **between)


async def test_now_shows_services_endpoints_and_alerts(page, program):
    await at(page, program, "now")
    for name, state in (await program.get("/health"))["services"].items():
        badge = page.locator(f"[data-service='{name}']")
        await badge.wait_for()
        assert await badge.inner_text() == f"{name} {state}"

    def rounded(value, places):
        unit = Decimal(1).scaleb(-places)
        return "–" if value is None else str(Decimal(value).quantize(unit, ROUND_HALF_UP))

    async def endpoints(told):
        (chain,) = [one for one in told if one["source"] == "sandbox"]
        section = page.get_by_role("region", name="endpoints of sandbox", exact=True)
        said = f"chain {chain['chain_id']} · {chain['state']} · block {grouped(str(chain['tip']))}"
        pairs = [(await section.locator("[data-told=chain]").inner_text(), said)]
        for name, one in chain["endpoints"].items():
            shown = await section.locator(f"[data-endpoint='{name}'] td").all_inner_texts()
            honesty = rounded(one["honesty"] * 100, 2) + " %"
            expected = [name, honesty, str(one["grade"]), str(one["answers"])]
            expected += [rounded(one["latency_ms"], 1), rounded(one["lag_ms"], 1), str(one["head"] or "–")]
            pairs += zip(shown, expected, strict=True)
        return pairs

    await until_agreed(page, "/endpoints", endpoints, least=8)

    async def alerts(told):
        shown = await page.locator(".alerts li").all_inner_texts()
        return [(alert["message"] in shown, True) for alert in told]

    await until_agreed(page, "/alerts", alerts, least=1)

    async def past(told):
        rates = [one["events_per_s"] for one in told if one["events_per_s"] is not None]
        stored = [one["to_store"]["average"] for one in told if one["to_store"]["average"] is not None]
        drawn = await chart_told(page, "Events a second", "events/s")
        later = await chart_told(page, "Latency", "to stored, mean")
        return [
            *zip(drawn, (len(rates), min(rates), max(rates), rates[-1]), strict=True),
            *zip(later, (len(stored), min(stored), max(stored), stored[-1]), strict=True),
        ]

    await until_agreed(page, "/metrics/history", past, least=8)


async def test_coverage_shows_the_ledger_of_each_source(page, program):
    await at(page, program, "coverage")

    async def ledgers(told):
        pairs = []
        for one in told:
            shown = page.locator(f"[data-source='{one['source']}']")
            spans = one["complete"][-20:]
            named = [
                f"{grouped(str(span['from_block']))} to {grouped(str(span['to_block']))}: {span['proof']}"
                for span in spans
            ]
            said = f"{one['source']}: {len(one['complete'])} ranges complete, {len(one['missing'])} missing"
            open_gaps = sum(gap["closed_ns"] is None for gap in one["gaps"])
            pairs += [
                (await shown.locator("[data-block=from]").inner_text(), str(one["from_block"])),
                (await shown.locator("[data-block=to]").inner_text(), str(one["to_block"])),
                (
                    await shown.locator("h2 .badge").inner_text(),
                    "complete" if one["is_complete"] else f"{open_gaps} gaps open",
                ),
                (await shown.get_by_role("img").get_attribute("aria-label"), said),
                (
                    [text.strip() for text in await shown.locator(".legend li").all_inner_texts()],
                    named,
                ),
                (await shown.locator("[data-gap]").count(), len(one["gaps"])),
            ]
        return pairs

    await until_agreed(page, "/coverage", ledgers)


async def test_a_pool_shows_its_price_and_its_liquidity_by_tick(page, program):
    made = [row for row in await program.rows("pool", limit="1000") if row["protocol"] == "uniswap_v3"]
    traded = Counter(row["pool"] for row in await program.rows("swap", limit="1000"))
    row = max(made, key=lambda one: traded[one["pool"]])
    of = {"chain_id": str(row["chain_id"]), "pool": row["pool"]}
    states_told = await program.rows("pool_state", limit="300", **of)
    start, end = states_told[-1]["event_ns"], states_told[0]["event_ns"] + 1
    await at(page, program, "pools", id=f"{of['chain_id']}~{of['pool']}", start=start, end=end)
    chosen = page.get_by_role("region", name="the chosen pool")
    await chosen.locator("dl").wait_for()
    assert equal_values("pool", await shown_facts(chosen, "pool"), row) >= VALUES - 1
    await chosen.get_by_role("img").nth(1).wait_for()
    within = await program.rows("pool_state", limit="10000", start=str(start), end=str(end), **of)
    tokens = {one["token"]: one for one in await program.rows("token", limit="1000")}
    decimals = tokens[row["token0"]]["decimals"] - tokens[row["token1"]]["decimals"]
    prices = [
        (int(one["sqrt_price_x96"]) / 2**96) ** 2 * 10.0**decimals
        for one in reversed(within)
        if one["sqrt_price_x96"] not in (None, "0")
    ]
    expected = (len(prices), min(prices), max(prices), prices[-1])
    pair = f"{tokens[row['token1']]['symbol']} per {tokens[row['token0']]['symbol']}"
    assert await chart_told(page, f"Price, {pair}", "price") == pytest.approx(expected, rel=1e-12)
    net = Counter()
    for change in await program.rows("liquidity_change", limit="10000", **of):
        size = int(change["liquidity"]) * (1 if change["kind"] == "mint" else -1)
        net[change["tick_lower"]] += size
        net[change["tick_upper"]] -= size
    steps = [net[tick] for tick in sorted(net) if net[tick]]
    levels = [sum(steps[: place + 1]) for place in range(len(steps))]
    expected = (len(levels), min(levels), max(levels), levels[-1])
    assert len(levels) > 1
    assert await chart_told(page, "Liquidity by tick", "liquidity") == pytest.approx(expected, rel=1e-12)


async def test_a_book_is_that_of_the_venue(page, program):
    await at(page, program, "books", id="sei~SEI/USDC")
    await page.get_by_role("table", name="bids").locator("tbody tr").first.wait_for()
    await program.sei.control(is_paused=True)
    try:
        truth = (await program.sei.truth())["books"]["SEI/USDC"]
        best = {side: max if side == "bid" else min for side in ("bid", "ask")}
        tops = {
            side: best[side](price for of, price in truth if of == side and truth[of, price]) for side in best
        }

        def text(raw):
            return f"{Decimal(raw).scaleb(-6).normalize():f}"

        expected = [
            [
                [text(price), text(size)]
                for (of, price), size in sorted(truth.items(), reverse=side == "bid")
                if of == side and size
            ][:15]
            for side in ("bid", "ask")
        ]

        async def is_shown():
            shown = [
                [
                    (await line.locator("td").all_inner_texts())
                    for line in await page.get_by_role("table", name=name).locator("tbody tr").all()
                ]
                for name in ("bids", "asks")
            ]
            named = [
                await page.locator(f"[data-best={name}]").inner_text() for name in ("bid", "ask", "spread")
            ]
            spread = text(tops["ask"] - tops["bid"])
            return shown == expected and named == [text(tops["bid"]), text(tops["ask"]), spread]

        await until(is_shown, WAIT_MS / 1000)
        assert sum(map(len, expected)) >= VALUES / 2

        async def is_told():
            told = await program.rows("book_top", source="sei", instrument="SEI/USDC", limit="50")
            top = max(told, key=lambda row: int(row["sequence"]))  # a block's have one time
            named = [f"{Decimal(top[name]).normalize():f}" for name in ("bid_price", "ask_price")]
            return named == [text(tops["bid"]), text(tops["ask"])]

        await until(is_told, WAIT_MS / 1000)
    finally:
        await program.sei.control(is_paused=False)


async def test_an_opportunity_is_explained(page, program):
    ended = (await program.rows("opportunity_autopsy", limit="1"))[0]
    of = {"opportunity": ended["opportunity"]}
    await at(page, program, "opportunities", id=f"{ended['chain_id']}~{ended['opportunity']}")
    chosen = page.get_by_role("region", name="the chosen opportunity")
    for kind in ("opportunity", "opportunity_risk", "opportunity_autopsy"):
        await chosen.locator(f"dl[aria-label={kind}]").first.wait_for()
        told = await program.rows(kind, **of)
        shown = await shown_facts(chosen, kind)
        assert max(equal_values(kind, shown, row) for row in told) >= 5
    hops = sorted(await program.rows("opportunity_hop", **of), key=lambda row: row["hop"])
    shown = await shown_lines(chosen, "opportunity_hop")
    values = [equal_values("opportunity_hop", *pair) for pair in zip(shown, hops, strict=True)]
    assert min(values) > 0
    assert sum(values) >= VALUES


async def test_arbitrages_show_features_leaders_and_profit(page, program):
    kind = "arbitrage_transaction"
    rows, between = [], {}

    async def are_stored() -> bool:
        """Of older blocks, to which no more come; the chart takes two whose profit is known."""
        newest = await program.rows(kind, limit="100")
        told = [row for row in newest[len(newest) // 3 :] if row["event_ns"] < newest[0]["event_ns"]]
        if not told:
            return False
        between.update(start=str(told[-1]["event_ns"]), end=str(told[0]["event_ns"] + 1))
        rows[:] = await program.rows(kind, limit="500", **between)
        known = sum(row["net_profit_native_wei"] is not None for row in rows)
        return known >= 2 and all(row in rows for row in told)

    await until(are_stored, WAIT_MS / 1_000)
    await at(page, program, "arbitrages", **between)
    await page.get_by_text(re.compile(rf"^{len(rows)} rows")).wait_for()
    await page.locator(f"section[aria-label={kind}] [data-index]").first.click()
    chosen = page.get_by_role("region", name="the chosen transaction")
    await chosen.locator("dl").wait_for()
    shown = await shown_facts(chosen, kind)
    assert max(equal_values(kind, shown, row) for row in rows) >= 2 * VALUES
    profits = defaultdict(list)
    for row in rows:
        if row["account"] is not None:
            profits[row["account"]].append(int(row["net_profit_native_wei"] or 0))
    leaders = page.get_by_role("region", name="leaders")
    ranked = sorted(profits.items(), key=lambda item: -sum(item[1]))[:10]
    assert len(ranked) > 0
    for account, gains in ranked:
        line = leaders.locator(f"[data-account='{account}'] td.number")
        assert await line.nth(0).inner_text() == str(len(gains))
        assert await line.nth(1).get_attribute("title") == f"{sum(gains)} wei"
    known = [int(row["net_profit_native_wei"]) for row in rows if row["net_profit_native_wei"] is not None]
    count, _, _, last = await chart_told(page, "Net profit", "net profit")
    assert (count, last) == (len(known), pytest.approx(float(sum(known) / _WEI), rel=1e-9))

    async def days(told):
        shown = [
            await line.locator("td").all_inner_texts()
            for line in await page.locator("section[aria-label='by day'] [data-day]").all()
        ]
        expected = [
            [one["day"], one["source"], one["kind"], str(one["transactions"]), str(one["profitable"])]
            for one in told["days"]
        ]
        return [(line[:5], said) for line, said in zip(shown, expected, strict=False)]

    await until_agreed(page, "/stats/daily", days, least=1, ask=page.reload)


async def test_whales_show_the_registry_and_a_scorecard(page, program):
    await at(page, program, "whales", id=WHALE)
    await page.locator(f"[data-whale='{WHALE}']").wait_for()
    pairs = []
    for whale in await program.get("/whales"):
        line = page.locator(f"[data-whale='{whale['address']}']")
        cells = await line.locator("td").all_inner_texts()
        pairs += [(await line.locator(".short").get_attribute("title"), whale["address"])]
        named = ("pseudonym", "tier", "win_rate", "estimated_pnl")
        pairs += zip(cells[1:5], [whale[name] or "–" for name in named], strict=True)
        for name, said in (("is_enabled", "told"), ("is_copying_enabled", "copied")):
            switch = line.get_by_role("switch", name=re.compile(said))
            pairs.append((await switch.is_checked(), whale[name]))
    assert len(pairs) >= VALUES
    assert [shown for shown, _ in pairs] == [said for _, said in pairs]
    positions = await program.rows("whale_position", trader_address=WHALE)
    closed = [row for row in positions if row["change"] == "closed"]
    gained = [Decimal(row["realized_pnl"]) for row in closed]
    expected = {
        "changes of positions": str(len(positions)),
        "positions closed": str(len(closed)),
        "of them won": str(sum(gain > 0 for gain in gained)),
        "realised, quote": f"{sum(gained).normalize():f}",
    }
    assert len(closed) == 1
    for name, value in expected.items():
        await page.locator(f"[data-score='{name}']").get_by_text(value, exact=True).wait_for()
    await events_agree(page, program, "whale_position", trader_address=WHALE)


async def test_execution_shows_mode_counts_limits_ledger_and_profit(page, program):
    await at(page, program, "execution")
    banner = page.locator(".mode")
    await banner.wait_for()
    assert await banner.inner_text() == "PAPER: nothing is sent"

    async def server(told):
        stats = {name: value for name, value in told["stats"].items() if name != "mode"}
        pairs = [
            (await page.locator(f"[data-stat={name}]").inner_text(), "–" if value is None else str(value))
            for name, value in stats.items()
            if not isinstance(value, float)
        ]
        pairs += [
            (float(await page.locator(f"[data-stat={name}]").inner_text()), value)
            for name, value in stats.items()
            if isinstance(value, float)
        ]
        (limits,) = told["limits"]
        expected = {
            "slippage": ("", f"{limits['slippage_max_bps']} bps of the simulated profit"),
            "trades under way": (str(limits["open"]), str(limits["open_max"])),
            "trades a day (UTC)": (str(limits["trades_today"]), str(limits["trades_a_day_max"])),
            "fees a day (UTC)": tuple(
                f"{grouped(limits[name])} wei" for name in ("fee_today_wei", "fee_a_day_max_wei")
            ),
            "price of gas": ("", f"{grouped(limits['gas_price_max_wei'])} wei"),
        }
        for name, values in expected.items():
            shown = await page.locator(f"[data-limit='{name}'] td").all_inner_texts()
            pairs += zip(shown[1:], values, strict=True)
        for one in limits["tokens"]:
            amounts = page.locator(f"[data-token='{one['token']}'] td.number span")
            titles = await amounts.evaluate_all("all => all.map(each => each.title.split(' ')[0])")
            pairs.append((titles, [one[name] for name in ("amount_max", "amount_today", "amount_a_day_max")]))
        routers = page.locator("[data-router]")
        shown = await routers.evaluate_all("all => all.map(one => one.dataset.router)")
        return [*pairs, (shown, limits["routers"])]

    await until_agreed(page, "/execution", server, least=2 * VALUES)
    told = await program.get("/execution")
    assert (told["stats"]["paper_filled"], told["stats"]["failed"]) == (FILLED, 1)
    await events_agree(page, program, "execution")
    rows = await program.rows("execution", limit="1000")
    newest = {}
    for row in sorted(rows, key=lambda row: row["sequence"]):
        newest[row["execution_id"]] = row
    for state, count in Counter(row["state"] for row in newest.values()).items():
        await page.locator(f"[data-result={state}]").get_by_text(str(count), exact=True).wait_for()
    fees = sum(int(row["fee_wei"] or 0) for row in newest.values())
    assert await page.locator("[data-result=fees]").inner_text() == grouped(str(fees))
    gains = [row["realised_profit_usd"] for row in newest.values() if row["realised_profit_usd"] is not None]
    count, _, _, last = await chart_told(page, "Realised profit", "profit")
    assert (count, last) == (FILLED, pytest.approx(sum(gains)))
    assert told["stats"]["total_profit"] == pytest.approx(last)


async def test_exports_are_made_taken_verified_and_scheduled(page, program):
    await at(page, program, "exports")
    await page.get_by_label("table").select_option("pool")
    await page.get_by_label("format").select_option("csv")
    await page.get_by_role("button", name="export", exact=True).click()
    job = page.locator("[data-job]").last
    await job.get_by_text("done").wait_for()
    await job.get_by_role("button", name="verify").click()
    await job.get_by_text("as the manifest says").wait_for()
    async with page.expect_download() as taken:
        await job.get_by_role("button", name="download").first.click()
    lines = (await (await taken.value).path()).read_text().splitlines()
    assert len(lines) - 1 == int(await job.locator("[data-fact=rows]").inner_text()) > 0
    await page.get_by_label("how often").select_option("daily")
    await page.get_by_role("button", name="export", exact=True).click()
    schedule = page.locator("[data-schedule]")
    await schedule.wait_for()

    async def made(told):
        pairs = []
        for one in told:
            shown = await page.locator(f"[data-job='{one['id']}']").inner_text()
            request = one["request"]
            said = [one["state"], f"{request['table']} as {request['format']}", f"{one['rows']} rows"]
            said += [one["to"]]
            said += [
                f"{file['name']}: {file['rows']} rows, {file['bytes']} bytes"
                for file in one["manifest"]["files"]
            ]
            pairs += [(part in shown, True) for part in said]
        return pairs

    async def scheduled(told):
        pairs = []
        for one in told:
            shown = await page.locator(f"[data-schedule='{one['id']}']").inner_text()
            said = [f"{one['request']['table']} as {one['request']['format']}", one["frequency"], one["to"]]
            said += ["paused" if one["is_paused"] else "next", f"last: {one['last_outcome'] or 'never'}"]
            pairs += [(part in shown, True) for part in said]
        return pairs

    await until_agreed(page, "/exports", made, least=5)
    await until_agreed(page, "/schedules", scheduled, least=5)
    await schedule.get_by_role("button", name="pause").click()
    await schedule.get_by_role("button", name="resume").wait_for()
    assert (await program.get("/schedules"))[0]["is_paused"]
    page.once("dialog", lambda asked: asked.accept())
    await schedule.get_by_role("button", name="remove").click()
    await page.get_by_text("Nothing is scheduled.").wait_for()
    assert await program.get("/schedules") == []


async def test_a_statement_is_answered_with_a_table_and_a_chart(page, program):
    await at(page, program, "data")
    statement = "SELECT number AS n, n * n AS square, toString(n) || '!' AS said FROM numbers(10000)"
    await page.get_by_label("SQL, which only reads").fill(statement)
    await page.keyboard.press("Control+Enter")
    answer = page.get_by_role("table", name="answer")
    await answer.locator("[data-index]").first.wait_for()
    assert await answer.get_attribute("aria-rowcount") == "10001"
    assert await answer.locator("[data-index]").count() < 60  # those in sight
    told = (await program.get("/sql", query=statement))["rows"]
    await answer.focus()
    await page.keyboard.press("End")
    await answer.locator("[data-index='9999']").wait_for()
    for index in range(9_990, 10_000):
        shown = await answer.locator(f"[data-index='{index}'] [role=cell]").all_inner_texts()
        assert shown == [str(value) for value in told[index].values()]
    await page.get_by_role("img", name=re.compile("^square")).wait_for()
    assert "sql=" in page.url
