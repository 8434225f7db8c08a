// Every event's fields. Written by `make generate`; do not edit.

import type { Exact, Integer, Kind, Nanos } from "./types";

export interface Decision {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  chain_id: Integer;
  block_number: Integer;
  opportunity: string;
  sequence: number;
  mode: "PAPER" | "LIVE";
  state: "refused" | "chosen" | "answered" | "declined" | "unanswered";
  reason: string;
  idempotency_key: string;
  net_profit_usd: number | null;
  expected_profit_usd: number | null;
  min_profit: Exact | null;
  risk_score: number | null;
  gas_trend: string | null;
  gas_forecast_gwei: number | null;
  gas_high_gwei: number | null;
  predictor: string | null;
  market_state: string | null;
  slippage_percent: number | null;
  priority_fee_gwei: number | null;
}

export const KINDS: Readonly<Record<string, Kind>> = {
  decision: {
    meaning: "An opportunity was judged, or an answer came; the last event of an opportunity says where it is.",
    identity: ["chain_id", "opportunity", "mode", "sequence"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["chain_id", "U64", "", false],
      ["block_number", "U64", "", false],
      ["opportunity", "Hash", "", false],
      ["sequence", "U8", "", false],
      ["mode", "Name", "", false],
      ["state", "Name", "", false],
      ["reason", "Text", "", false],
      ["idempotency_key", "Text", "", false],
      ["net_profit_usd", "F64", "US dollars", true],
      ["expected_profit_usd", "F64", "US dollars", true],
      ["min_profit", "I256", "", true],
      ["risk_score", "F64", "", true],
      ["gas_trend", "Name", "", true],
      ["gas_forecast_gwei", "F64", "", true],
      ["gas_high_gwei", "F64", "", true],
      ["predictor", "Name", "", true],
      ["market_state", "Name", "", true],
      ["slippage_percent", "F64", "", true],
      ["priority_fee_gwei", "F64", "", true],
    ],
  },
};
