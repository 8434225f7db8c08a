/** Keep an order book by its events: a snapshot begins it, each change sets one level's size. */

import { compareExact, sum, trimmed } from "./decimals";
import type { Row } from "./rows";

export interface Level {
  readonly price: string;
  readonly size: string;
}

export class Book {
  private connection: string | null = null;
  private sequence = "";
  private readonly sides = { bid: new Map<string, string>(), ask: new Map<string, string>() };

  /** Apply rows of `book_change` in their order; those of before the snapshot, or of another connection, say nothing. */
  apply(rows: readonly Row[]): void {
    for (const row of rows) this.applyOne(row);
  }

  private applyOne(row: Row): void {
    const connection = String(row["connection"]);
    const sequence = String(row["sequence"]);
    const isNew = connection !== this.connection || compareExact(sequence, this.sequence || "-1") > 0;
    if (row["cause"] === "snapshot" && isNew) {
      this.connection = connection;
      this.sequence = sequence;
      this.sides.bid.clear();
      this.sides.ask.clear();
    }
    if (connection !== this.connection || compareExact(sequence, this.sequence) < 0) return;
    const side = this.sides[row["side"] === "bid" ? "bid" : "ask"];
    const price = trimmed(String(row["price"]));
    const size = trimmed(String(row["size"]));
    if (size === "0") side.delete(price);
    else side.set(price, size);
  }

  /** The best first. */
  levels(side: "bid" | "ask"): Level[] {
    const sign = side === "bid" ? -1 : 1;
    return [...this.sides[side]]
      .map(([price, size]) => ({ price, size }))
      .sort((a, b) => sign * compareExact(a.price, b.price));
  }
}

/** What is left of the ask when the bid is taken from it; null where a side is empty. */
export function spread(bid: string | null | undefined, ask: string | null | undefined): string | null {
  return bid == null || ask == null
    ? null
    : trimmed(sum([ask, bid.startsWith("-") ? bid.slice(1) : `-${bid}`]));
}
