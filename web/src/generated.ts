// Every event's fields. Written by `make generate`; do not edit.

import { KINDS as arbitrage } from "./generated/arbitrage";
import { KINDS as chain } from "./generated/chain";
import { KINDS as decision } from "./generated/decision";
import { KINDS as derived } from "./generated/derived";
import { KINDS as execution } from "./generated/execution";
import { KINDS as health } from "./generated/health";
import { KINDS as market } from "./generated/market";
import { KINDS as subgraph } from "./generated/subgraph";
import { KINDS as whale } from "./generated/whale";
import type { Kind } from "./generated/types";

export type * from "./generated/arbitrage";
export type * from "./generated/chain";
export type * from "./generated/decision";
export type * from "./generated/derived";
export type * from "./generated/execution";
export type * from "./generated/health";
export type * from "./generated/market";
export type * from "./generated/subgraph";
export type * from "./generated/whale";
export type * from "./generated/types";

export const KINDS: Readonly<Record<string, Kind>> = {
  ...chain,
  ...derived,
  ...arbitrage,
  ...health,
  ...subgraph,
  ...market,
  ...whale,
  ...execution,
  ...decision,
};
