/** Books: of each instrument its depth, its spread over time, its trades, and whether the book can be relied on. */

import type { JSX } from "preact";
import { events } from "../api";
import { spread, type Level } from "../book";
import { Chart } from "../chart";
import { EventTable, useTable } from "../event_table";
import { choose, place } from "../going";
import type { Row } from "../rows";
import { Heading, Refused } from "../shell";
import { msOf } from "../times";
import { useAsked } from "../use_asked";
import { useBook, whereOf } from "../use_book";

const TOPS_ASKED = 2_000;
const LEVELS_SHOWN = 15;
const DEPTH_LEVELS = 200;
const EVERY_MS = 10_000;
const TRADE_NAMES = [
  "event_ns",
  "source",
  "instrument",
  "taker_side",
  "price",
  "size",
  "trade_id",
  "tx_hash",
];
const STATUS_NAMES = ["event_ns", "source", "instrument", "state", "detail"];

export function Books(): JSX.Element {
  const told = useAsked(
    "books",
    (signal) => events<Row>("book_top", { limit: TOPS_ASKED, fields: "event_ns,source,instrument" }, signal),
    EVERY_MS,
  );
  const names = [
    ...new Set((told.value?.events ?? []).map((row) => `${row["source"]}~${row["instrument"]}`)),
  ].sort();
  const id = place.value.chosen["id"] ?? names[0];
  return (
    <>
      <Heading name="Books">
        <label>
          instrument{" "}
          <select value={id ?? ""} onChange={(event) => choose({ id: event.currentTarget.value })}>
            {id !== undefined && !names.includes(id) && <option value={id}>{id.replace("~", " ")}</option>}
            {names.map((name) => (
              <option key={name} value={name}>
                {name.replace("~", " ")}
              </option>
            ))}
          </select>
        </label>
      </Heading>
      <Refused fault={told.fault} />
      {id === undefined ? (
        told.value !== null && (
          <p>
            No order book was told of yet: <code>[feeds]</code> of the settings names venues to read.
          </p>
        )
      ) : (
        <OneBook key={id} id={id} />
      )}
      <h2>Which books can be relied on</h2>
      <EventTable kind="book_status" names={STATUS_NAMES} />
    </>
  );
}

function OneBook({ id }: { id: string }): JSX.Element {
  const [source = "", instrument = ""] = id.split("~");
  const where = whereOf(source, instrument);
  const { book, fault } = useBook(source, instrument);
  const [bids, asks] = [book.levels("bid"), book.levels("ask")];
  const between = spread(bids[0]?.price, asks[0]?.price);
  return (
    <section aria-label={instrument}>
      <Refused fault={fault} />
      <section class="tiles">
        <div class="tile">
          <span class="soft">best bid</span>
          <b data-best="bid">{bids[0]?.price ?? "–"}</b>
        </div>
        <div class="tile">
          <span class="soft">best ask</span>
          <b data-best="ask">{asks[0]?.price ?? "–"}</b>
        </div>
        <div class="tile">
          <span class="soft">spread</span>
          <b data-best="spread">{between ?? "–"}</b>
        </div>
      </section>
      <div class="beside">
        <Ladder name="bids" levels={bids} />
        <Ladder name="asks" levels={asks} />
        <Depth bids={bids} asks={asks} />
      </div>
      <Tops where={where} />
      <h3>Trades</h3>
      <EventTable kind="trade" names={TRADE_NAMES} where={where} />
    </section>
  );
}

function Ladder({ name, levels }: { name: string; levels: readonly Level[] }): JSX.Element {
  return (
    <table aria-label={name}>
      <thead>
        <tr>
          <th>{name}: price</th>
          <th>size</th>
        </tr>
      </thead>
      <tbody>
        {levels.slice(0, LEVELS_SHOWN).map(({ price, size }) => (
          <tr key={price}>
            <td class="number">{price}</td>
            <td class="number">{size}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** How much is offered up to each price, on both sides. */
function Depth({ bids, asks }: { bids: readonly Level[]; asks: readonly Level[] }): JSX.Element | null {
  const left = summed(bids.slice(0, DEPTH_LEVELS)).reverse();
  const right = summed(asks.slice(0, DEPTH_LEVELS));
  if (left.length + right.length === 0) return null;
  const none = (count: number) => Array<null>(count).fill(null);
  return (
    <Chart
      name="Depth: size offered up to a price"
      isTime={false}
      x={[...left, ...right].map(([price]) => price)}
      lines={[
        { name: "bids", values: [...left.map(([, size]) => size), ...none(right.length)], kind: "step" },
        { name: "asks", values: [...none(left.length), ...right.map(([, size]) => size)], kind: "step" },
      ]}
    />
  );
}

function summed(levels: readonly Level[]): [number, number][] {
  let total = 0;
  return levels.map(({ price, size }) => [Number(price), (total += Number(size))]);
}

function Tops({ where }: { where: readonly string[] }): JSX.Element {
  const feed = useTable({ kind: "book_top", where });
  const rows = [...feed.rows].reverse();
  if (rows.length === 0) return <p>In this time the best prices did not change.</p>;
  const values = (name: string) => rows.map((row) => (row[name] == null ? null : Number(row[name])));
  return (
    <Chart
      name="Best bid and ask"
      x={rows.map((row) => msOf(String(row["event_ns"])))}
      lines={[
        { name: "bid", values: values("bid_price"), kind: "step" },
        { name: "ask", values: values("ask_price"), kind: "step" },
      ]}
    />
  );
}
