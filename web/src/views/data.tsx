/** Data: any kind of event as it is stored and comes, and for who may ask it, a statement of one's own. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Fault, sql } from "../api";
import { Chart } from "../chart";
import { shownOf, type Shown } from "../columns";
import { EventTable, Filter, filters } from "../event_table";
import { KINDS } from "../generated";
import { choose, place } from "../going";
import type { Row } from "../rows";
import { may } from "../session";
import { Heading, Refused } from "../shell";
import { Table } from "../table";

const FIRST = "SELECT dex, protocol, count() AS swaps FROM swap GROUP BY ALL ORDER BY swaps DESC";

export function Data(): JSX.Element {
  const kind = place.value.chosen["kind"] ?? "swap";
  return (
    <>
      <Heading name="Data">
        <label>
          table{" "}
          <select
            value={kind}
            onChange={(event) => choose({ kind: event.currentTarget.value, where: undefined })}
          >
            {Object.keys(KINDS).map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <Filter key={kind} kind={kind} />
      </Heading>
      <p class="soft">{KINDS[kind]?.meaning}</p>
      <EventTable key={kind} kind={kind} where={filters()} />
      {may("analyst") && <Statement />}
    </>
  );
}

interface Answer {
  readonly rows: readonly Row[];
  readonly columns: readonly Shown[];
  readonly took_ms: number;
}

function Statement(): JSX.Element {
  const [text, type] = useState(place.value.chosen["sql"] ?? FIRST);
  const [answer, tell] = useState<Answer | null>(null);
  const [fault, tellFault] = useState<Fault | null>(null);
  const [isAsking, wait] = useState(false);
  const run = async () => {
    wait(true);
    const began_ms = performance.now();
    try {
      const rows = (await sql<Record<string, unknown>>(text)).map(flat);
      tell({ rows, columns: columnsOfRows(rows), took_ms: performance.now() - began_ms });
      tellFault(null);
      choose({ sql: text });
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      tellFault(error);
    }
    wait(false);
  };
  return (
    <section aria-label="SQL">
      <h2>A statement of your own</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        <label for="sql">SQL, which only reads; Ctrl+Enter asks it</label>
        <textarea
          id="sql"
          rows={4}
          spellcheck={false}
          value={text}
          onInput={(event) => type(event.currentTarget.value)}
          onKeyDown={(event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && void run()}
        />
        <button type="submit" disabled={isAsking}>
          ask
        </button>{" "}
        {answer !== null && (
          <span class="soft" role="status">
            {answer.rows.length} rows in {Math.round(answer.took_ms)} ms
          </span>
        )}
      </form>
      <Refused fault={fault} />
      {answer !== null && <Result answer={answer} />}
    </section>
  );
}

function Result({ answer }: { answer: Answer }): JSX.Element {
  const numbers = answer.columns.filter((column) => column.isNumber);
  const [x, chooseX] = useState("");
  const [y, chooseY] = useState("");
  const over = answer.columns.some(({ name }) => name === x) ? x : "";
  const of = numbers.some(({ name }) => name === y) ? y : (numbers.at(-1)?.name ?? "");
  return (
    <>
      <Table
        name="answer"
        columns={answer.columns}
        rows={answer.rows}
        keyOf={(row) => String(answer.rows.indexOf(row))}
      />
      {of !== "" && answer.rows.length > 1 && (
        <>
          <p>
            <label>
              chart of{" "}
              <select value={of} onChange={(event) => chooseY(event.currentTarget.value)}>
                {numbers.map(({ name }) => (
                  <option key={name}>{name}</option>
                ))}
              </select>
            </label>{" "}
            <label>
              over{" "}
              <select value={over} onChange={(event) => chooseX(event.currentTarget.value)}>
                <option value="">the rows</option>
                {answer.columns.map(({ name }) => (
                  <option key={name}>{name}</option>
                ))}
              </select>
            </label>
          </p>
          <Drawn rows={answer.rows} x={over} y={of} />
        </>
      )}
    </>
  );
}

function Drawn({ rows, x, y }: { rows: readonly Row[]; x: string; y: string }): JSX.Element {
  const isTime =
    x !== "" && Number.isNaN(Number(rows[0]?.[x])) && !Number.isNaN(Date.parse(String(rows[0]?.[x])));
  const at = (row: Row, index: number) =>
    x === "" ? index : isTime ? Date.parse(String(row[x])) : Number(row[x]);
  const points = rows
    .map((row, index) => ({ x: at(row, index), y: row[y] == null ? null : Number(row[y]) }))
    .filter((point) => !Number.isNaN(point.x))
    .sort((a, b) => a.x - b.x);
  if (points.length === 0) return <p>{x} is neither a number nor a time.</p>;
  return (
    <Chart
      name={`${y}${x === "" ? "" : ` over ${x}`}`}
      isTime={isTime}
      x={points.map((point) => point.x)}
      lines={[{ name: y, values: points.map((point) => point.y), kind: x === "" ? "bars" : "line" }]}
    />
  );
}

/** Lists and objects as their text, so that each value is one cell. */
function flat(row: Record<string, unknown>): Row {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      value === null || typeof value === "string" || typeof value === "number"
        ? value
        : JSON.stringify(value),
    ]),
  );
}

function columnsOfRows(rows: readonly Row[]): Shown[] {
  return Object.keys(rows[0] ?? {}).map((name) => {
    const values = rows
      .slice(0, 100)
      .map((row) => row[name])
      .filter((value) => value != null);
    const isNumber =
      values.length > 0 && values.every((value) => /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(String(value)));
    return shownOf(name, isNumber ? "F64" : "Name");
  });
}
