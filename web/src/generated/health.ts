// Every event's fields. Written by `make generate`; do not edit.

import type { Integer, Kind, Nanos } from "./types";

export interface Coverage {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  connection: string;
  sequence: Integer;
  from_block: Integer;
  to_block: Integer;
  status: "complete" | "gap" | "repaired";
  proof: "none" | "claimed" | "bloom" | "receipts_root" | "agreed";
  log_count: Integer;
  cause: string;
}

export interface Health {
  event_ns: Nanos;
  recv_ns: Nanos;
  source: string;
  connection: string;
  sequence: Integer;
  endpoint: string;
  state: "connecting" | "live" | "leading" | "polling" | "stale" | "down" | "refused";
  detail: string;
}

export const KINDS: Readonly<Record<string, Kind>> = {
  coverage: {
    meaning: "A range of blocks of one source, and what is known of its completeness.",
    identity: ["source", "connection", "sequence"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["connection", "Text", "", false],
      ["sequence", "U64", "", false],
      ["from_block", "U64", "", false],
      ["to_block", "U64", "", false],
      ["status", "Name", "", false],
      ["proof", "Name", "", false],
      ["log_count", "U64", "", false],
      ["cause", "Text", "", false],
    ],
  },
  health: {
    meaning: "A connection changed its state.",
    identity: ["source", "connection", "sequence"],
    columns: [
      ["event_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["recv_ns", "Nanos", "ns since 1970-01-01 UTC", false],
      ["source", "Name", "", false],
      ["connection", "Text", "", false],
      ["sequence", "U64", "", false],
      ["endpoint", "Text", "", false],
      ["state", "Name", "", false],
      ["detail", "Text", "", false],
    ],
  },
};
