/** How the columns of a kind of event are shown: which, how wide, on which side. */

import { KINDS } from "./generated";

export interface Shown {
  readonly name: string;
  readonly type: string;
  readonly unit: string;
  readonly width_ch: number;
  readonly isNumber: boolean;
}

/** What says where a row came from, which few look at. */
const PLUMBING = new Set(["recv_ns", "connection", "sequence", "row", "detected_ns"]);
const WIDTHS: Readonly<Record<string, number>> = {
  Nanos: 26,
  Hash: 19,
  Address: 19,
  U256: 28,
  I256: 28,
  U128: 26,
  Fixed18: 20,
  U8: 8,
  U32: 12,
  U64: 14,
  I32: 10,
  F64: 22,
  Name: 13,
  Text: 26,
};
const NUMBERS = new Set(["U256", "I256", "U128", "Fixed18", "U8", "U32", "U64", "I32", "F64"]);

/** All columns of a kind, or those that are named, in that order. */
export function columnsOf(kind: string, names?: readonly string[]): Shown[] {
  const all = KINDS[kind]?.columns ?? [];
  const wanted = names ?? all.map(([name]) => name).filter((name) => !PLUMBING.has(name));
  return wanted.flatMap((name) => {
    const found = all.find(([other]) => other === name);
    return found === undefined ? [] : [shownOf(found[0], found[1], found[2])];
  });
}

export function shownOf(name: string, type: string, unit = ""): Shown {
  const width_ch = Math.max(WIDTHS[type] ?? 16, name.length + 4);
  return { name, type, unit, width_ch, isNumber: NUMBERS.has(type) };
}

/** A column's name as one reads it. */
export function label(name: string): string {
  return name === "event_ns" ? "time" : name.replace(/_(ns|wei|usd|ppm)$/, "").replaceAll("_", " ");
}

/** What its numbers are counted in; empty where that is not said. */
export function unitOf(column: Shown): string {
  const suffix = /_(wei|usd|ppm|ms|s)$/.exec(column.name)?.[1];
  if (column.type === "Nanos") return "";
  if (column.name.endsWith("native_wei")) return "the chain's coin"; // as `Amount` shows it
  return suffix === "usd" ? "US dollars" : (suffix ?? (column.unit === "1" ? "" : column.unit));
}
