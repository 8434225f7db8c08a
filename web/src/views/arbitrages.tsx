/** Arbitrages: the transactions, who leads, what they gained over time, and every feature of one. */

import type { JSX } from "preact";
import { ask } from "../api";
import { Short } from "../cells";
import { Chart } from "../chart";
import { compareExact, grouped, shifted, sum } from "../decimals";
import { FeedTable, Filter, filters, useTable } from "../event_table";
import { Facts } from "../facts";
import { choose, place } from "../going";
import { identityOf, type Row } from "../rows";
import { Heading, Refused } from "../shell";
import { msOf } from "../times";
import { useAsked } from "../use_asked";

const KIND = "arbitrage_transaction";
const NAMES = [
  "event_ns",
  "block_number",
  "kind",
  "account",
  "profit",
  "net_profit_native_wei",
  "net_profit_usd",
  "hop_count",
  "protocols",
  "shape",
  "token",
  "gas_cost_wei",
  "risk_score",
  "source",
  "tx_hash",
];
const LEADERS = 10;
const COIN_DECIMALS = 18;
const DAILY_EVERY_MS = 60_000;

interface Day {
  readonly day: string;
  readonly source: string;
  readonly kind: string;
  readonly transactions: number;
  readonly profitable: number;
  readonly net_profit_native_wei: string;
  readonly net_profit_usd: number | null;
}

export function Arbitrages(): JSX.Element {
  const props = { kind: KIND, where: filters() };
  const feed = useTable(props);
  const id = place.value.chosen["id"];
  const chosen = feed.rows.find((row) => identityOf(KIND, row) === id);
  return (
    <>
      <Heading name="Arbitrages">
        <Filter kind={KIND} />
      </Heading>
      <Gains rows={feed.rows} />
      <FeedTable
        {...props}
        names={NAMES}
        amountOf={{ profit: "token", amount_in: "token", amount_out: "token" }}
        chosenAs="id"
        feed={feed}
      />
      {chosen !== undefined && (
        <section class="detail" aria-label="the chosen transaction">
          <h2>
            Every feature of it{" "}
            <button type="button" onClick={() => choose({ id: undefined })}>
              close
            </button>
          </h2>
          <Facts
            kind={KIND}
            row={chosen}
            amountOf={{ profit: "token", amount_in: "token", amount_out: "token" }}
          />
        </section>
      )}
      <div class="beside">
        <Leaders rows={feed.rows} />
        <Daily />
      </div>
    </>
  );
}

/** What the rows that are shown gained together, over their time. */
function Gains({ rows }: { rows: readonly Row[] }): JSX.Element | null {
  const known = rows.filter((row) => row["net_profit_native_wei"] != null);
  const byTime = [...known].sort((a, b) => (String(a["event_ns"]) < String(b["event_ns"]) ? -1 : 1));
  if (byTime.length < 2) return null;
  let total = 0;
  const values = byTime.map(
    (row) => (total += Number(shifted(String(row["net_profit_native_wei"]), COIN_DECIMALS))),
  );
  return (
    <Chart
      name="Net profit of the rows below, summed over time, in the chains' own coins"
      x={byTime.map((row) => msOf(String(row["event_ns"])))}
      lines={[{ name: "net profit", values, kind: "step" }]}
      height_px={180}
    />
  );
}

export function leadersOf(rows: readonly Row[]): { account: string; count: number; profit_wei: string }[] {
  const byAccount = new Map<string, string[]>();
  for (const { account, net_profit_native_wei } of rows) {
    if (account == null) continue;
    const profits = byAccount.get(String(account)) ?? [];
    byAccount.set(String(account), profits);
    profits.push(String(net_profit_native_wei ?? "0"));
  }
  return [...byAccount]
    .map(([account, profits]) => ({ account, count: profits.length, profit_wei: sum(profits) }))
    .sort((a, b) => compareExact(b.profit_wei, a.profit_wei))
    .slice(0, LEADERS);
}

function Leaders({ rows }: { rows: readonly Row[] }): JSX.Element {
  const chain_id = rows[0]?.["chain_id"];
  return (
    <section aria-label="leaders" class="scroll" tabIndex={0}>
      <h2>
        Leaders <small class="soft">of the {rows.length} rows above</small>
      </h2>
      <table>
        <thead>
          <tr>
            <th>account</th>
            <th>transactions</th>
            <th>net profit, coins</th>
          </tr>
        </thead>
        <tbody>
          {leadersOf(rows).map(({ account, count, profit_wei }) => (
            <tr key={account} data-account={account}>
              <td>
                <Short text={account} chain_id={chain_id} kind="address" />
              </td>
              <td class="number">{count}</td>
              <td class="number" title={`${profit_wei} wei`}>
                {grouped(shifted(profit_wei, COIN_DECIMALS))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Daily(): JSX.Element {
  const told = useAsked(
    "daily",
    () => ask<{ days: Day[] }>("/stats/daily", { params: { days: 30 } }),
    DAILY_EVERY_MS,
  );
  return (
    <section aria-label="by day" class="scroll" tabIndex={0}>
      <h2>
        By day <small class="soft">30 days, UTC</small>
      </h2>
      <Refused fault={told.fault} />
      <table>
        <thead>
          <tr>
            <th>day</th>
            <th>source</th>
            <th>kind</th>
            <th>transactions</th>
            <th>profitable</th>
            <th>net, coins</th>
          </tr>
        </thead>
        <tbody>
          {told.value?.days.map((one) => (
            <tr key={`${one.day} ${one.source} ${one.kind}`} data-day={one.day}>
              <td>{one.day}</td>
              <td>{one.source}</td>
              <td>{one.kind}</td>
              <td class="number">{one.transactions}</td>
              <td class="number">{one.profitable}</td>
              <td class="number" title={`${one.net_profit_native_wei} wei`}>
                {grouped(shifted(String(one.net_profit_native_wei), COIN_DECIMALS))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
