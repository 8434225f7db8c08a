// Every event's fields. Written by `make generate`; do not edit.

/** A point in time, ns since 1970: too long for a number. */
export type Nanos = string;
/** Digits, perhaps with a point: exact. */
export type Exact = string;
/** A whole number; text where a number would round it. */
export type Integer = number | string;
/** Name, logical type, unit, whether it may be absent. */
export type Column = readonly [string, string, string, boolean];
/** What there is to know of a kind of event. */
export interface Kind {
  readonly meaning: string;
  readonly identity: readonly string[];
  readonly columns: readonly Column[];
}
