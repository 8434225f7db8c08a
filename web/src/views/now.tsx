/** Now: what runs, how honest its connections are, how much comes and how fast, and what is amiss. */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ask, fetched } from "../api";
import { Chart } from "../chart";
import { shownOf } from "../columns";
import { grouped } from "../decimals";
import { EventTable } from "../event_table";
import { place } from "../going";
import { health } from "../live";
import { between, rangeOf } from "../place";
import { quantile, rates, samplesOf, valuesOf, type Sample } from "../prometheus";
import type { Row } from "../rows";
import { Heading, Refused } from "../shell";
import { Table } from "../table";
import { msOf } from "../times";
import { useAsked } from "../use_asked";

interface Endpoint {
  readonly honesty: number;
  readonly grade: number;
  readonly answers: number;
  readonly latency_ms: number | null;
  readonly lag_ms: number | null;
  readonly head: number | null;
  readonly links: Readonly<Record<string, { readonly url?: string; readonly state?: string }>>;
}

interface Chain {
  readonly source: string;
  readonly chain_id: number;
  readonly state: string;
  readonly tip: number | null;
  readonly endpoints: Readonly<Record<string, Endpoint>>;
}

interface Latency {
  readonly average: number | null;
  readonly p95: number | null;
}

/** As `GET /metrics/history` tells it. */
interface Moment {
  readonly time_ns: string;
  readonly events_per_s: number | null;
  readonly to_bus: Latency;
  readonly to_store: Latency;
}

interface Alert {
  readonly name: string;
  readonly message: string;
}

interface Scrape {
  readonly at_ms: number;
  readonly samples: readonly Sample[];
}

const EVERY_MS = 2_000;
const HISTORY_EVERY_MS = 5_000;
/** Of the metrics: what a rate is told from. */
const KEPT = 6;
const STAGES: Readonly<Record<string, string>> = {
  tidemill_frame_to_bus_seconds: "frame to bus",
  tidemill_frame_to_stored_seconds: "frame to stored",
  trade_processing_latency_seconds: "whale's trade to bus",
  database_query_duration_seconds: "a query",
};

export function Now(): JSX.Element {
  return (
    <>
      <Heading name="Now" />
      {health.value?.is_reader ? <Reader /> : <Program />}
      <h2>Connections, as they changed</h2>
      <EventTable kind="health" />
    </>
  );
}

/** What is told where nothing is read: the rest is of the process that reads. */
function Reader(): JSX.Element {
  return (
    <>
      <Services alerts={[]} />
      <p role="note">
        This process serves what others read and store. Alerts, endpoints, latency and events a second are on
        the page of the <code>tidemill up</code> that reads.
      </p>
    </>
  );
}

function Program(): JSX.Element {
  const chains = useAsked("endpoints", () => ask<Chain[]>("/endpoints"), EVERY_MS);
  const raised = useAsked("alerts", () => ask<Alert[]>("/alerts"), EVERY_MS);
  const scraped = useScrapes();
  const [before, after] = [scraped[0], scraped.at(-1)];
  const s = before && after ? (after.at_ms - before.at_ms) / 1000 : 0;
  const told = (raised.value ?? []).map((alert) => alert.message);
  return (
    <>
      <Services alerts={[...told, ...amiss(after?.samples ?? [])]} />
      <Refused fault={chains.fault ?? raised.fault} />
      <section class="tiles" aria-label="flow">
        <Tile name="events/s, last minute" value={health.value?.metrics.transactions_per_second ?? null} />
        <Tile name="frame to stored, mean ms" value={health.value?.metrics.avg_latency_ms ?? null} />
        <Tile name="endpoints' error rate" value={health.value?.metrics.error_rate ?? null} />
        {before &&
          after &&
          s > 0 &&
          Object.entries(STAGES).map(([name, said]) => (
            <Stage key={name} name={name} said={said} before={before} after={after} />
          ))}
      </section>
      <Past />
      {before && after && s > 0 && (
        <Topics
          rates={rates("tidemill_events_total", "topic", before.samples, after.samples, s)}
          after={after}
        />
      )}
      {chains.value?.map((chain) => (
        <Scorecards key={chain.source} chain={chain} />
      ))}
    </>
  );
}

function useScrapes(): readonly Scrape[] {
  const [kept, keep] = useState<readonly Scrape[]>([]);
  const metrics = useAsked(
    "metrics",
    async () => {
      const text = await (await fetched("/metrics", { accept: "text/plain" })).text();
      return { at_ms: Date.now(), samples: samplesOf(text) };
    },
    EVERY_MS,
  );
  const last = metrics.value;
  useEffect(() => {
    if (last !== null) keep((before) => [...before, last].slice(-KEPT));
  }, [last]);
  return kept;
}

function Tile({ name, value }: { name: string; value: number | null }): JSX.Element {
  return (
    <div class="tile">
      <span class="soft">{name}</span>
      <b>{value === null ? "–" : value}</b>
    </div>
  );
}

function Stage(props: { name: string; said: string; before: Scrape; after: Scrape }): JSX.Element | null {
  const [p50, p99] = [0.5, 0.99].map((share) =>
    quantile(props.name, share, props.before.samples, props.after.samples),
  );
  if (p50 == null || p99 == null) return null;
  return (
    <div class="tile">
      <span class="soft">{props.said}, ms: half, and 99 of 100, below</span>
      <b>
        {ms(p50)} · {ms(p99)}
      </b>
    </div>
  );
}

function ms(s: number): string {
  return Number.isFinite(s) ? String(Number((s * 1000).toPrecision(3))) : "∞";
}

function Services({ alerts }: { alerts: readonly string[] }): JSX.Element {
  const told = health.value;
  return (
    <section aria-label="services">
      <p>
        <span class={`badge ${told?.status === "healthy" ? "good" : "bad"}`}>
          {told?.status ?? "asking …"}
        </span>{" "}
        {Object.entries(told?.services ?? {}).map(([name, state]) => (
          <span key={name} class={`badge ${state === "up" ? "good" : "bad"}`} data-service={name}>
            {name} {state}
          </span>
        ))}
      </p>
      {alerts.length > 0 && (
        <div role="alert">
          <ul class="alerts">
            {alerts.map((alert) => (
              <li key={alert} class="bad">
                {alert}
              </li>
            ))}
          </ul>
        </div>
      )}
    </section>
  );
}

/** What somebody should look at before an alert says so, in words. */
function amiss(samples: readonly Sample[]): string[] {
  const services = Object.entries(health.value?.services ?? {}).filter(([, state]) => state === "down");
  const over = (name: string, limit: number, said: (one: Sample) => string) =>
    valuesOf(samples, name)
      .filter((one) => one.value > limit)
      .map(said);
  return [
    ...services.map(([name]) => `${name} is down`),
    ...over(
      "tidemill_missing_blocks",
      0,
      (one) => `${one.labels["source"]}: ${one.value} blocks are missing`,
    ),
    ...over(
      "tidemill_chain_behind_blocks",
      5,
      (one) => `${one.labels["source"]}: ${one.value} blocks behind its endpoints`,
    ),
    ...over(
      "tidemill_store_waiting_batches",
      100,
      (one) => `${one.labels["topic"]}: ${one.value} batches wait for the store`,
    ),
    ...valuesOf(samples, "tidemill_link_breaker")
      .filter((one) => one.value === 1 && one.labels["state"] !== "closed")
      .map(
        (one) =>
          `${one.labels["source"]}: the breaker of ${one.labels["endpoint"]} ${one.labels["link"]} is ${one.labels["state"]}`,
      ),
  ];
}

/** How it fared in the time range, as the program keeps it. */
function Past(): JSX.Element {
  const range = rangeOf(place.value.chosen);
  const told = useAsked(
    `history ${JSON.stringify(range)}`,
    () => ask<Moment[]>("/metrics/history", { params: between(range) }),
    "last_s" in range ? HISTORY_EVERY_MS : undefined,
  );
  if (told.value === null) return <p class="soft">{told.fault?.message ?? "asking …"}</p>;
  if (told.value.length < 2) return <p class="soft">In this time nothing was kept of events a second.</p>;
  const x = told.value.map((one) => msOf(String(one.time_ns)));
  const of = (part: (one: Moment) => number | null) => told.value!.map(part);
  return (
    <>
      <Chart
        name="Events a second"
        x={x}
        lines={[{ name: "events/s", values: of((one) => one.events_per_s), kind: "step" }]}
      />
      <Chart
        name="Latency from an event's frame, ms"
        x={x}
        height_px={160}
        lines={[
          { name: "to bus, mean", values: of((one) => one.to_bus.average) },
          { name: "to stored, mean", values: of((one) => one.to_store.average) },
          { name: "to stored, 95 of 100 below", values: of((one) => one.to_store.p95) },
        ]}
      />
    </>
  );
}

const TOPIC_COLUMNS = [
  shownOf("topic", "Name"),
  shownOf("events_a_second", "F64"),
  shownOf("events", "U64"),
  shownOf("stored", "U64"),
];

function Topics(props: { rates: ReadonlyMap<string, number>; after: Scrape }): JSX.Element {
  const count = (name: string, topic: string) =>
    valuesOf(props.after.samples, name).find((one) => one.labels["topic"] === topic)?.value ?? null;
  const rows: Row[] = [...props.rates]
    .map(([topic, rate]) => ({
      topic,
      events_a_second: Number(rate.toFixed(1)),
      events: count("tidemill_events_total", topic),
      stored: count("tidemill_stored_rows_total", topic),
    }))
    .filter((row) => row.events)
    .sort((a, b) => b.events_a_second - a.events_a_second);
  return (
    <Table name="events by topic" columns={TOPIC_COLUMNS} rows={rows} keyOf={(row) => String(row["topic"])} />
  );
}

function Scorecards({ chain }: { chain: Chain }): JSX.Element {
  return (
    <section aria-label={`endpoints of ${chain.source}`}>
      <h2>
        {chain.source}{" "}
        <small class="soft" data-told="chain">
          chain {chain.chain_id} · {chain.state} · block{" "}
          {chain.tip === null ? "–" : grouped(String(chain.tip))}
        </small>
      </h2>
      <div class="scroll" tabIndex={0} role="region" aria-label={`scorecards of ${chain.source}`}>
        <table>
          <thead>
            <tr>
              <th>endpoint</th>
              <th>honesty</th>
              <th>grade</th>
              <th>answers</th>
              <th>latency ms</th>
              <th>lag ms</th>
              <th>head</th>
            </tr>
          </thead>
          <tbody>
            {Object.entries(chain.endpoints).map(([name, one]) => (
              <tr key={name} data-endpoint={name}>
                <td>{name}</td>
                <td class={one.honesty < 1 ? "bad" : ""}>{(one.honesty * 100).toFixed(2)} %</td>
                <td>{one.grade}</td>
                <td>{one.answers}</td>
                <td>{one.latency_ms?.toFixed(1) ?? "–"}</td>
                <td>{one.lag_ms?.toFixed(1) ?? "–"}</td>
                <td>{one.head ?? "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
