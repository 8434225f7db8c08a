/** The events of one kind as a table that goes on: filtered, sorted, with more of the past when it is asked for. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { AmountOf } from "./cells";
import { columnsOf } from "./columns";
import { KINDS } from "./generated";
import { choose, place } from "./going";
import { rangeOf, type Range } from "./place";
import { identityOf, type Row } from "./rows";
import { Refused } from "./shell";
import { Table } from "./table";
import { useEvents, type Feed } from "./use_events";

export interface EventTableProps {
  readonly kind: string;
  /** Which columns; all but plumbing where it is not said. */
  readonly names?: readonly string[];
  /** What always holds, beside what the reader filters by. */
  readonly where?: readonly string[];
  readonly range?: Range;
  readonly amountOf?: AmountOf;
  /** Under this name a chosen row's identity is in the address; without it no row can be chosen. */
  readonly chosenAs?: string;
  readonly onRows?: (rows: readonly Row[]) => void;
}

export function EventTable(props: EventTableProps): JSX.Element {
  const feed = useTable(props);
  return <FeedTable {...props} feed={feed} />;
}

export function useTable(props: EventTableProps): Feed {
  const range = props.range ?? rangeOf(place.value.chosen);
  return useEvents({ kind: props.kind, range, where: props.where ?? [] });
}

/** The table of a feed that its caller has as well, for a chart of the same rows. */
export function FeedTable(props: EventTableProps & { feed: Feed }): JSX.Element {
  const { feed, kind, chosenAs } = props;
  const keyOf = (row: Row) => identityOf(kind, row);
  return (
    <section class="events" aria-label={kind}>
      <Refused fault={feed.fault} />
      <Table
        name={`${kind}: ${KINDS[kind]?.meaning ?? ""}`}
        columns={columnsOf(kind, props.names)}
        rows={feed.rows}
        keyOf={keyOf}
        order={feed.order}
        onSort={(order) => feed.sort(order)}
        {...(props.amountOf ? { amountOf: props.amountOf } : {})}
        {...(chosenAs === undefined
          ? {}
          : {
              chosen: place.value.chosen[chosenAs] ?? null,
              onChoose: (row: Row) => choose({ [chosenAs]: keyOf(row) }),
            })}
      />
      <p class="soft count">
        {feed.isLoading ? "asking …" : said(feed)}{" "}
        {feed.loadOlder !== null && (
          <button type="button" onClick={feed.loadOlder}>
            earlier ones
          </button>
        )}
        {feed.hasOlder && feed.loadOlder === null && "; it holds no more: choose an earlier time"}
      </p>
    </section>
  );
}

function said({ rows, hasOlder }: Feed): string {
  if (rows.length === 0) return "0 rows: nothing of this was told in this time.";
  return `${rows.length} rows${hasOlder ? ", the newest" : ""}`;
}

/** Conditions such as `net_profit_usd>1`, with commas between them, kept in the address. */
export function Filter({ kind }: { kind: string }): JSX.Element {
  const [text, type] = useState(place.value.chosen["where"] ?? "");
  const submit = (event: Event) => {
    event.preventDefault();
    choose({ where: text.trim() || undefined });
  };
  return (
    <form class="filter" onSubmit={submit}>
      <label>
        only where{" "}
        <input
          value={text}
          list={`columns-${kind}`}
          placeholder="column>=value, …"
          spellcheck={false}
          onInput={(event) => type(event.currentTarget.value)}
        />
      </label>
      <datalist id={`columns-${kind}`}>
        {(KINDS[kind]?.columns ?? []).map(([name]) => (
          <option key={name} value={`${name}=`} />
        ))}
      </datalist>
    </form>
  );
}

/** What the reader filters by, as the API wants it. */
export function filters(): string[] {
  return (place.value.chosen["where"] ?? "")
    .split(",")
    .map((one) => one.trim())
    .filter(Boolean);
}
