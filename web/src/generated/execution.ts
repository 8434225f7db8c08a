// Every event's fields. Written by `make generate`; do not edit.

import type { Exact, Integer, Kind, Nanos } from "./types";

export interface Execution {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  chain_id: Integer;
  execution_id: string;
  sequence: number;
  mode: "PAPER" | "LIVE";
  state: "received" | "refused" | "simulated" | "failed" | "signed" | "sent" | "included" | "final" | "reorged" | "dropped" | "replaced" | "unknown" | "paper_pending" | "paper_filled" | "paper_missed";
  signal_digest: string;
  idempotency_key: string | null;
  token: string;
  amount: Exact;
  loan_source: "own_funds" | "balancer_v3" | "aave_v3" | "balancer_v2" | "uniswap_v3" | "uniswap_v2" | "morpho" | "uniswap_v4";
  route: string;
  expected_profit_usd: number | null;
  simulated_profit: Exact | null;
  simulated_block: Integer | null;
  first_profit: Exact | null;
  last_profit: Exact | null;
  realised_profit: Exact | null;
  simulated_profit_usd: number | null;
  realised_profit_usd: number | null;
  gas_used: Integer | null;
  effective_gas_price_wei: Exact | null;
  fee_wei: Exact | null;
  tx_hash: string | null;
  nonce: Integer | null;
  block_number: Integer | null;
  block_hash: string | null;
  reason: string | null;
}

export const KINDS: Readonly<Record<string, Kind>> = {
  execution: {
    meaning: "A trade came into a state; its last event says where it is now. Amounts are raw units of `token`.",
    identity: ["execution_id", "sequence"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["chain_id", "U64", "", false],
      ["execution_id", "Hash", "", false],
      ["sequence", "U32", "", false],
      ["mode", "Name", "", false],
      ["state", "Name", "", false],
      ["signal_digest", "Hash", "", false],
      ["idempotency_key", "Text", "", true],
      ["token", "Address", "", false],
      ["amount", "U256", "", false],
      ["loan_source", "Name", "", false],
      ["route", "Text", "", false],
      ["expected_profit_usd", "F64", "US dollars", true],
      ["simulated_profit", "I256", "", true],
      ["simulated_block", "U64", "", true],
      ["first_profit", "I256", "", true],
      ["last_profit", "I256", "", true],
      ["realised_profit", "I256", "", true],
      ["simulated_profit_usd", "F64", "US dollars", true],
      ["realised_profit_usd", "F64", "US dollars", true],
      ["gas_used", "U64", "", true],
      ["effective_gas_price_wei", "U256", "", true],
      ["fee_wei", "U256", "", true],
      ["tx_hash", "Hash", "", true],
      ["nonce", "U64", "", true],
      ["block_number", "U64", "", true],
      ["block_hash", "Hash", "", true],
      ["reason", "Text", "", true],
    ],
  },
};
