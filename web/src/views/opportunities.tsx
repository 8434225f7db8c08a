/** Opportunities as they are found: what they would pay, and of one its hops, costs, risk and end. */

import type { JSX } from "preact";
import { events } from "../api";
import type { AmountOf } from "../cells";
import { EventTable, Filter, filters } from "../event_table";
import { choose, place } from "../going";
import { Facts, Plain } from "../facts";
import type { Row } from "../rows";
import { Heading, Refused } from "../shell";
import { useAsked } from "../use_asked";

const NAMES = [
  "event_ns",
  "source",
  "block_number",
  "kind",
  "token",
  "hop_count",
  "rank",
  "amount_in",
  "gross_profit",
  "net_profit",
  "net_profit_usd",
  "fee_wei",
  "opportunity",
];
const OF_TOKEN: AmountOf = {
  amount_in: "token",
  gross_profit: "token",
  flash_premium: "token",
  net_profit: "token",
  taken: "taken_token",
  ...Object.fromEntries(
    ["sent_gross", "sent_net", "best_gross", "best_net"].flatMap((name) =>
      [0, 1, 2].map((later) => [`${name}_${later}`, "token"]),
    ),
  ),
};
const HOP_AMOUNTS: AmountOf = { amount_in: "token_in", amount_out: "token_out" };
const HOP_NAMES = [
  "hop",
  "dex",
  "protocol",
  "pool",
  "token_in",
  "amount_in",
  "token_out",
  "amount_out",
  "ticks_crossed",
  "instrument",
];
const AGAIN_MS = 1_500;

export function Opportunities(): JSX.Element {
  return (
    <>
      <Heading name="Opportunities">
        <Filter kind="opportunity" />
      </Heading>
      <EventTable kind="opportunity" names={NAMES} where={filters()} amountOf={OF_TOKEN} chosenAs="id" />
      {place.value.chosen["id"] !== undefined && <Explained id={place.value.chosen["id"]} />}
    </>
  );
}

interface Whole {
  readonly opportunity: Row | undefined;
  readonly hops: readonly Row[];
  readonly risk: Row | undefined;
  readonly ends: readonly Row[];
}

async function whole(id: string, signal: AbortSignal): Promise<Whole> {
  const [chain_id = "", opportunity = ""] = id.split("~");
  const of = { chain_id, opportunity };
  const [found, hops, risk, ends] = await Promise.all([
    events<Row>("opportunity", { ...of, limit: 1 }, signal),
    events<Row>("opportunity_hop", { ...of, limit: 100 }, signal),
    events<Row>("opportunity_risk", { ...of, limit: 1 }, signal),
    events<Row>("opportunity_autopsy", { ...of, limit: 10 }, signal),
  ]);
  return {
    opportunity: found.events[0],
    hops: [...hops.events].sort((a, b) => Number(a["hop"]) - Number(b["hop"])),
    risk: risk.events[0],
    ends: ends.events,
  };
}

function Explained({ id }: { id: string }): JSX.Element {
  const told = useAsked(id, (signal) => whole(id, signal), AGAIN_MS);
  const found = told.value;
  return (
    <section class="detail" aria-label="the chosen opportunity">
      <h2>
        Why, and what became of it{" "}
        <button type="button" onClick={() => choose({ id: undefined })}>
          close
        </button>
      </h2>
      <Refused fault={told.fault} />
      {found !== null && (
        <>
          <h3>Hops</h3>
          <Plain kind="opportunity_hop" names={HOP_NAMES} rows={found.hops} amountOf={HOP_AMOUNTS} />
          <div class="beside">
            <div>
              <h3>Costs and gain</h3>
              {found.opportunity ? (
                <Facts kind="opportunity" row={found.opportunity} amountOf={OF_TOKEN} />
              ) : (
                <p>Not stored yet.</p>
              )}
            </div>
            <div>
              <h3>Risk</h3>
              {found.risk ? (
                <Facts kind="opportunity_risk" row={found.risk} />
              ) : (
                <p>Nothing was told of its risk.</p>
              )}
            </div>
            <div>
              <h3>What became of it</h3>
              {found.ends.map((end) => (
                <Facts key={end["block_hash"]} kind="opportunity_autopsy" row={end} amountOf={OF_TOKEN} />
              ))}
              {found.ends.length === 0 && <p>It is followed still, or was found again under its first id.</p>}
            </div>
          </div>
          <h3>State of its pools</h3>
          <Plain
            kind="opportunity_hop"
            names={["hop", "pool", "reserve0", "reserve1", "sqrt_price_x96", "liquidity", "tick", "levels"]}
            rows={found.hops}
          />
        </>
      )}
    </section>
  );
}
