/** Execution: whether trades are on paper or live, what became of each, and what they came to. */

import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { ask, type Fault } from "../api";
import { Amount, Short } from "../cells";
import { Chart } from "../chart";
import { grouped, sum } from "../decimals";
import { FeedTable, Filter, filters, useTable } from "../event_table";
import { Facts } from "../facts";
import { choose, place } from "../going";
import { identityOf, type Row } from "../rows";
import { may } from "../session";
import { Heading, Refused } from "../shell";
import { msOf } from "../times";
import { tokenOf } from "../tokens";
import { useAsked } from "../use_asked";

const KIND = "execution";
/** What is answered where another process does this. */
const NOT_HERE = 503;
const EVERY_MS = 2_000;
const NAMES = [
  "event_ns",
  "mode",
  "state",
  "source",
  "loan_source",
  "token",
  "amount",
  "simulated_profit",
  "realised_profit",
  "realised_profit_usd",
  "fee_wei",
  "reason",
  "execution_id",
  "tx_hash",
];
const AMOUNTS = Object.fromEntries(
  ["amount", "simulated_profit", "realised_profit", "first_profit", "last_profit"].map((name) => [
    name,
    "token",
  ]),
);

export function Execution(): JSX.Element {
  const told = useAsked("execution", () => ask<Told>("/execution"), EVERY_MS);
  return (
    <>
      <Heading name="Execution">
        <Filter kind={KIND} />
      </Heading>
      {told.value !== null && <Server told={told.value} />}
      <KillSwitch />
      <Trades isModeKnown={told.value !== null} />
      {told.value === null && told.fault !== null && (
        <p role="note" class="soft">
          {told.fault.status === NOT_HERE
            ? "Limits and counts are on the page of the `tidemill up` that trades: here no execution server runs."
            : told.fault.message}
        </p>
      )}
    </>
  );
}

/** As `GET /execution` tells it. */
interface Told {
  readonly stats: Readonly<Record<string, string | number | null>>;
  readonly limits: readonly Limits[];
}

interface Limits {
  readonly source: string;
  readonly chain_id: number;
  readonly slippage_max_bps: number;
  readonly open_max: number | null;
  readonly open: number;
  readonly trades_a_day_max: number | null;
  readonly trades_today: number;
  readonly fee_a_day_max_wei: string | null;
  readonly fee_today_wei: string;
  readonly gas_price_max_wei: string | null;
  readonly only_listed_tokens: boolean;
  readonly tokens: readonly {
    readonly token: string;
    readonly amount_max: string | null;
    readonly amount_a_day_max: string | null;
    readonly amount_today: string;
  }[];
  readonly routers: readonly string[] | null;
}

const NO_LIMIT = "no limit";

/** The server's own counts since its ledger began, and what no trade may go beyond. */
function Server({ told }: { told: Told }): JSX.Element {
  return (
    <>
      <Mode mode={String(told.stats["mode"])} />
      <section class="tiles" aria-label="counts">
        {Object.entries(told.stats)
          .filter(([name]) => name !== "mode")
          .map(([name, value]) => (
            <div class="tile" key={name}>
              <span class="soft">
                {name === "total_profit" ? "total profit, US dollars" : name.replaceAll("_", " ")}
              </span>
              <b data-stat={name}>{value === null ? "–" : String(value)}</b>
            </div>
          ))}
      </section>
      {told.limits.map((limits) => (
        <Limited key={limits.source} limits={limits} />
      ))}
    </>
  );
}

function Limited({ limits }: { limits: Limits }): JSX.Element {
  const { chain_id } = limits;
  const wei = (digits: string | null) => (digits === null ? NO_LIMIT : `${grouped(digits)} wei`);
  const lines: [string, string | number | null, string | number | null][] = [
    ["slippage", null, `${limits.slippage_max_bps} bps of the simulated profit`],
    ["trades under way", limits.open, limits.open_max],
    ["trades a day (UTC)", limits.trades_today, limits.trades_a_day_max],
    ["fees a day (UTC)", wei(limits.fee_today_wei), wei(limits.fee_a_day_max_wei)],
    ["price of gas", null, wei(limits.gas_price_max_wei)],
  ];
  return (
    <section aria-label={`limits of ${limits.source}`} data-limits={limits.source}>
      <h2>
        Limits of {limits.source} <small class="soft">chain {chain_id}</small>
      </h2>
      <div class="beside">
        <Scroll name="of trades">
          <thead>
            <tr>
              <th>what</th>
              <th>now</th>
              <th>at most</th>
            </tr>
          </thead>
          <tbody>
            {lines.map(([what, now, most]) => (
              <tr key={what} data-limit={what}>
                <td>{what}</td>
                <td class="number">{now ?? ""}</td>
                <td class="number">{most ?? NO_LIMIT}</td>
              </tr>
            ))}
          </tbody>
        </Scroll>
        <Scroll name="of tokens">
          <thead>
            <tr>
              <th>token</th>
              <th>a trade, at most</th>
              <th>today</th>
              <th>a day, at most</th>
            </tr>
          </thead>
          <tbody>
            {limits.tokens.map(({ token, amount_max, amount_a_day_max, amount_today }) => (
              <tr key={token} data-token={token}>
                <td>
                  <Short text={token} chain_id={chain_id} kind="address" />
                </td>
                {[amount_max, amount_today, amount_a_day_max].map((digits, at) => (
                  <td key={at} class="number">
                    {digits === null ? NO_LIMIT : <Amount digits={digits} token={tokenOf(chain_id, token)} />}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </Scroll>
      </div>
      <p>
        {limits.only_listed_tokens ? "Only these tokens may be borrowed." : "Any token may be borrowed."}{" "}
        {limits.routers === null ? "A signal may name any pool and router." : "A signal may name only these:"}
      </p>
      {limits.routers !== null && (
        <ul class="legend" aria-label="allowed routers">
          {limits.routers.map((router) => (
            <li key={router} data-router={router}>
              <Short text={router} chain_id={chain_id} kind="address" />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Scroll({ name, children }: { name: string; children: ComponentChildren }): JSX.Element {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={name}>
      <table>{children}</table>
    </div>
  );
}

function Mode({ mode }: { mode: string }): JSX.Element {
  return (
    <p role="status" class={`mode ${mode.toLowerCase()}`}>
      {mode === "LIVE" ? "LIVE: real money" : "PAPER: nothing is sent"}
    </p>
  );
}

interface KillState {
  readonly engaged: boolean;
  readonly reason?: string | null;
  readonly by?: string | null;
}

const WARNING =
  "Engage the kill switch? Nothing more is sent, and what waits in the open is called back." +
  " Only `tidemill kill --release` releases it.";

function KillSwitch(): JSX.Element | null {
  const told = useAsked("kill", () => ask<KillState>("/kill"), EVERY_MS);
  const [fault, tell] = useState<Fault | null>(null);
  if (told.value === null) return <Refused fault={told.fault} />;
  if (told.value.engaged) {
    return (
      <p role="status" class="mode stopped">
        The kill switch is engaged by {told.value.by}: {told.value.reason}. Nothing is sent.
      </p>
    );
  }
  const engage = () => {
    if (!confirm(WARNING)) return;
    const body = { reason: "engaged on the page" };
    ask<KillState>("/kill", { method: "POST", body }).then(told.again, (error: Fault) => tell(error));
  };
  return (
    <>
      <p>
        The kill switch is released.{" "}
        {may("trader") && (
          <button type="button" class="kill" onClick={engage}>
            engage the kill switch
          </button>
        )}
      </p>
      <Refused fault={fault} />
    </>
  );
}

function Trades({ isModeKnown }: { isModeKnown: boolean }): JSX.Element {
  const feed = useTable({ kind: KIND, where: filters() });
  const id = place.value.chosen["id"];
  const chosen = feed.rows.find((row) => identityOf(KIND, row) === id);
  const mode = feed.rows[0]?.["mode"];
  return (
    <>
      {mode == null ? (
        <p>No trade was asked for in this time.</p>
      ) : (
        !isModeKnown && <Mode mode={String(mode)} />
      )}
      <Result rows={feed.rows} />
      <FeedTable kind={KIND} names={NAMES} amountOf={AMOUNTS} chosenAs="id" feed={feed} />
      {chosen !== undefined && (
        <section class="detail" aria-label="the chosen trade">
          <h2>
            This change of the trade{" "}
            <button type="button" onClick={() => choose({ id: undefined })}>
              close
            </button>
          </h2>
          <Facts kind={KIND} row={chosen} amountOf={AMOUNTS} />
        </section>
      )}
    </>
  );
}

/** Where each trade is now: the last of its events. */
export function latestOf(rows: readonly Row[]): Row[] {
  const byTrade = new Map<unknown, Row>();
  for (const row of rows) {
    const known = byTrade.get(row["execution_id"]);
    if (known === undefined || Number(known["sequence"]) < Number(row["sequence"]))
      byTrade.set(row["execution_id"], row);
  }
  return [...byTrade.values()];
}

function Result({ rows }: { rows: readonly Row[] }): JSX.Element | null {
  const trades = latestOf(rows);
  if (trades.length === 0) return null;
  const states = new Map<string, number>();
  for (const { state } of trades) states.set(String(state), (states.get(String(state)) ?? 0) + 1);
  const gained = trades
    .filter((row) => row["realised_profit_usd"] != null)
    .sort((a, b) => (String(a["event_ns"]) < String(b["event_ns"]) ? -1 : 1));
  const fees = sum(trades.map((row) => String(row["fee_wei"] ?? "0")));
  let total = 0;
  return (
    <>
      <section class="tiles" aria-label="result">
        {[...states].map(([state, count]) => (
          <div class="tile" key={state}>
            <span class="soft">{state.replaceAll("_", " ")}</span>
            <b data-result={state}>{count}</b>
          </div>
        ))}
        <div class="tile">
          <span class="soft">fees, wei</span>
          <b data-result="fees">{grouped(fees)}</b>
        </div>
      </section>
      {gained.length > 1 && (
        <Chart
          name="Realised profit, US dollars, before fees"
          x={gained.map((row) => msOf(String(row["event_ns"])))}
          lines={[
            {
              name: "profit",
              values: gained.map((row) => (total += Number(row["realised_profit_usd"]))),
              kind: "step",
            },
          ]}
        />
      )}
    </>
  );
}
