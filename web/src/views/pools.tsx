/** Pools: all that are known, and of one its price over time and its liquidity by tick. */

import type { JSX } from "preact";
import { events } from "../api";
import { Chart } from "../chart";
import { EventTable, Filter, filters, FeedTable, useTable } from "../event_table";
import { Facts } from "../facts";
import { choose, place } from "../going";
import { liquidityByTick, priceOf } from "../pool_price";
import type { Row } from "../rows";
import { Heading, Refused } from "../shell";
import { msOf } from "../times";
import { tokenOf } from "../tokens";
import { useAsked } from "../use_asked";
import type { Feed } from "../use_events";

const NAMES = [
  "event_ns",
  "source",
  "dex",
  "protocol",
  "pool",
  "token0",
  "token1",
  "fee_ppm",
  "tick_spacing",
  "block_number",
];
const SWAP_NAMES = [
  "event_ns",
  "block_number",
  "amount0_in",
  "amount1_in",
  "amount0_out",
  "amount1_out",
  "tick",
  "sender",
  "tx_hash",
];
const SWAP_AMOUNTS = {
  amount0_in: "token0",
  amount0_out: "token0",
  amount1_in: "token1",
  amount1_out: "token1",
};
/** Pools are made once: all of them, however long ago. */
const EVER = { last_s: 50 * 365 * 86_400 };
const CHANGES_MAX = 10_000;

export function Pools(): JSX.Element {
  const id = place.value.chosen["id"];
  return (
    <>
      <Heading name="Pools">
        <Filter kind="pool" />
      </Heading>
      <EventTable kind="pool" names={NAMES} where={filters()} range={EVER} chosenAs="id" />
      {id !== undefined && <OnePool key={id} id={id} />}
    </>
  );
}

function OnePool({ id }: { id: string }): JSX.Element {
  const [chain_id = "", pool = ""] = id.split("~");
  const of = [`chain_id=${chain_id}`, `pool=${pool}`];
  const states = useTable({ kind: "pool_state", where: of });
  const swaps = useTable({ kind: "swap", where: of });
  const found = useAsked(`pool ${id}`, (signal) => events<Row>("pool", { chain_id, pool, limit: 1 }, signal));
  const row = found.value?.events[0];
  return (
    <section class="detail" aria-label="the chosen pool">
      <h2>
        {pairOf(row) ?? pool}{" "}
        <button type="button" onClick={() => choose({ id: undefined })}>
          close
        </button>
      </h2>
      <Refused fault={found.fault} />
      {row !== undefined && <Facts kind="pool" row={row} />}
      {row !== undefined && <PriceChart pool={row} states={states.rows} />}
      {row !== undefined && row["tick_spacing"] != null && (
        <Liquidity
          chain_id={chain_id}
          pool={pool}
          tick={states.rows.find((one) => one["tick"] != null)?.["tick"]}
        />
      )}
      <h3>Swaps</h3>
      <FeedTable kind="swap" names={SWAP_NAMES} amountOf={SWAP_AMOUNTS} feed={withTokens(swaps, row)} />
    </section>
  );
}

/** Swaps with their tokens, each made once: a table keeps the line of a row that is the same. */
const known = new WeakMap<Row, Row>();

/** A swap does not always say its tokens; its pool does. */
function withTokens(feed: Feed, pool: Row | undefined): Feed {
  if (pool === undefined) return feed;
  const { token0 = null, token1 = null } = pool;
  const told = (row: Row) => {
    const whole = known.get(row) ?? { ...row, token0, token1 };
    known.set(row, whole);
    return whole;
  };
  return { ...feed, rows: feed.rows.map((row) => (row["token0"] == null ? told(row) : row)) };
}

function pairOf(row: Row | undefined): string | null {
  const [a, b] = [tokenOf(row?.["chain_id"], row?.["token0"]), tokenOf(row?.["chain_id"], row?.["token1"])];
  return a?.symbol && b?.symbol ? `${a.symbol} / ${b.symbol}` : null;
}

function PriceChart({ pool, states }: { pool: Row; states: readonly Row[] }): JSX.Element {
  const [a, b] = [tokenOf(pool["chain_id"], pool["token0"]), tokenOf(pool["chain_id"], pool["token1"])];
  const priced = states
    .map((state) => ({
      at_ms: msOf(String(state["event_ns"])),
      price: priceOf(state, a?.decimals ?? 0, b?.decimals ?? 0),
    }))
    .filter(({ price }) => price !== null)
    .reverse();
  if (priced.length === 0) return <p>In this time no state of the pool says a price.</p>;
  const unit =
    a?.decimals != null && b?.decimals != null
      ? `${b.symbol ?? "token1"} per ${a.symbol ?? "token0"}`
      : "raw units of token1 per token0";
  return (
    <Chart
      name={`Price, ${unit}`}
      x={priced.map(({ at_ms }) => at_ms)}
      lines={[{ name: "price", values: priced.map(({ price }) => price), kind: "step" }]}
    />
  );
}

/** Summed from the changes that are stored: whole where the pool was followed from its first block on. */
function Liquidity(props: { chain_id: string; pool: string; tick: unknown }): JSX.Element {
  const { chain_id, pool } = props;
  const changes = useAsked(`liquidity ${chain_id} ${pool}`, (signal) =>
    events<Row>("liquidity_change", { chain_id, pool, limit: CHANGES_MAX }, signal),
  );
  const steps = liquidityByTick(changes.value?.events ?? []);
  if (steps.length === 0) return <Refused fault={changes.fault} />;
  const isCut = changes.value?.next != null;
  const at = props.tick == null ? "" : `; the price is at tick ${props.tick}`;
  return (
    <Chart
      name={`Liquidity by tick${isCut ? `, of the newest ${CHANGES_MAX} changes` : ", of the changes that are stored"}${at}`}
      isTime={false}
      x={steps.map((step) => step.tick)}
      lines={[{ name: "liquidity", values: steps.map((step) => Number(step.liquidity)), kind: "step" }]}
    />
  );
}
