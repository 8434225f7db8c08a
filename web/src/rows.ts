/** Rows of one kind of event: each once, in an order, and no more than a table can hold. */

import { compareExact } from "./decimals";
import { KINDS } from "./generated";

export type Row = Readonly<Record<string, string | number | null>>;

export interface Order {
  readonly column: string;
  readonly isDescending: boolean;
}

export const NEWEST_FIRST: Order = { column: "event_ns", isDescending: true };
export const ROWS_MAX = 10_000;

/** What tells apart rows that are alike in what they are sorted by: the later one first. */
const LATER = ["event_ns", "block_number", "tx_index", "log_index", "recv_ns"];
const NUMBERS = new Set(["Nanos", "U8", "U32", "U64", "I32", "U128", "U256", "I256", "Fixed18"]);

/** Text that is the same for the same event alone. */
export function identityOf(kind: string, row: Row): string {
  return (KINDS[kind]?.identity ?? []).map((name) => row[name]).join("~");
}

/** How two rows stand to each other; absent values come last, whatever the order. */
export function comparing(kind: string, order: Order): (a: Row, b: Row) => number {
  const columns = KINDS[kind]?.columns ?? [];
  const numbers = new Set(columns.filter(([, type]) => NUMBERS.has(type)).map(([name]) => name));
  const compare = (a: Row, b: Row, column: string, sign: number) => {
    const [x, y] = [a[column] ?? null, b[column] ?? null];
    if (x === y) return 0;
    if (x === null || y === null) return x === null ? 1 : -1;
    if (numbers.has(column)) return sign * compareNumbers(x, y);
    return sign * (x < y ? -1 : 1);
  };
  return (a, b) =>
    LATER.reduce(
      (found, column) => found || compare(a, b, column, -1),
      compare(a, b, order.column, order.isDescending ? -1 : 1),
    );
}

function compareNumbers(x: string | number, y: string | number): number {
  if (typeof x === "number" && typeof y === "number") return x - y;
  const [a, b] = [String(x), String(y)];
  // text of the same length without sign and point: as numbers are
  if (a.length === b.length && !/[-.]/.test(a + b)) return a < b ? -1 : a > b ? 1 : 0;
  return compareExact(a, b);
}

export class RowSet {
  private seen = new Set<string>();
  private ordered: Row[] = [];
  private compare: (a: Row, b: Row) => number;
  /** Whether rows were forgotten because there were too many: what is older than the rest is not here. */
  isCut = false;

  constructor(
    readonly kind: string,
    private order: Order = NEWEST_FIRST,
    private readonly rows_max = ROWS_MAX,
  ) {
    this.compare = comparing(kind, order);
  }

  get rows(): readonly Row[] {
    return this.ordered;
  }

  /** Add those that are new; returns how many were. */
  add(rows: readonly Row[]): number {
    const found = rows.filter((row) => {
      const key = identityOf(this.kind, row);
      return !this.seen.has(key) && this.seen.add(key);
    });
    if (found.length > 0) this.ordered = this.merged(found.sort(this.compare));
    if (this.ordered.length > this.rows_max) this.forgetOldest();
    return found.length;
  }

  /** Take out those that do not hold any more. */
  keep(isKept: (row: Row) => boolean): void {
    this.ordered = this.ordered.filter((row) => {
      const kept = isKept(row);
      if (!kept) this.seen.delete(identityOf(this.kind, row));
      return kept;
    });
  }

  clear(): void {
    this.isCut = false;
    this.seen.clear();
    this.ordered = [];
  }

  sort(order: Order): void {
    this.order = order;
    this.compare = comparing(this.kind, order);
    this.ordered = [...this.ordered].sort(this.compare);
  }

  get sortedBy(): Order {
    return this.order;
  }

  /** All of them in order; a new list, so that who has the former can go on with it. */
  private merged(found: readonly Row[]): Row[] {
    const all: Row[] = [];
    let at = 0;
    for (const row of found) {
      for (const end = this.placeOf(row, at); at < end; at += 1) all.push(this.ordered[at]!);
      all.push(row);
    }
    for (; at < this.ordered.length; at += 1) all.push(this.ordered[at]!);
    return all;
  }

  /** The place before which the row belongs, from `low` on; among equals the later one comes first. */
  private placeOf(row: Row, low: number): number {
    let high = this.ordered.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.compare(this.ordered[middle]!, row) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The end of the list where the newest are first; otherwise a tenth at once, so that not each row costs a look at all. */
  private forgetOldest(): void {
    this.isCut = true;
    if (this.order.column === NEWEST_FIRST.column && this.order.isDescending) {
      for (const row of this.ordered.splice(this.rows_max)) this.seen.delete(identityOf(this.kind, row));
      return;
    }
    const byAge = [...this.ordered].sort(comparing(this.kind, NEWEST_FIRST));
    const kept = new Set(byAge.slice(0, Math.floor(this.rows_max * 0.9)));
    this.keep((row) => kept.has(row));
  }
}
