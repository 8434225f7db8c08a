/** Execution: whether trades are on paper or live, what became of each, and what they came to. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ask, type Fault } from "../api";
import { Chart } from "../chart";
import { sum } from "../decimals";
import { FeedTable, Filter, filters, useTable } from "../event_table";
import { Facts } from "../facts";
import { choose, place } from "../going";
import { identityOf, type Row } from "../rows";
import { may } from "../session";
import { Heading, Refused } from "../shell";
import { msOf } from "../times";
import { useAsked } from "../use_asked";

const KIND = "execution";
const KILL_EVERY_MS = 2_000;
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
  const kinds = useAsked("kinds", () => ask<Record<string, string>>("/events"));
  return (
    <>
      <Heading name="Execution">{kinds.value?.[KIND] !== undefined && <Filter kind={KIND} />}</Heading>
      <KillSwitch />
      <Refused fault={kinds.fault} />
      {kinds.value !== null &&
        (kinds.value[KIND] === undefined ? <p>This tidemill has no execution ledger.</p> : <Trades />)}
    </>
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
  const told = useAsked("kill", () => ask<KillState>("/kill"), KILL_EVERY_MS);
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

function Trades(): JSX.Element {
  const feed = useTable({ kind: KIND, where: filters() });
  const id = place.value.chosen["id"];
  const chosen = feed.rows.find((row) => identityOf(KIND, row) === id);
  const mode = feed.rows[0]?.["mode"];
  return (
    <>
      {mode == null ? (
        <p>No trade was asked for in this time.</p>
      ) : (
        <p role="status" class={`mode ${String(mode).toLowerCase()}`}>
          {mode === "LIVE" ? "LIVE: real money" : "PAPER: nothing is sent"}
        </p>
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
            <b>{count}</b>
          </div>
        ))}
        <div class="tile">
          <span class="soft">fees, wei</span>
          <b>{fees}</b>
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
