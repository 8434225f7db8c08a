/** What tokens are called and how many decimals they have, as their contracts said. */

import { signal } from "@preact/signals";
import { events } from "./api";
import type { Token } from "./generated";

export interface Known {
  readonly symbol: string | null;
  readonly decimals: number | null;
}

/** By chain and address; one that is not here is not known, and its amounts are raw. */
export const tokens = signal<ReadonlyMap<string, Known>>(new Map());

export function tokenOf(chain_id: unknown, address: unknown): Known | undefined {
  return tokens.value.get(`${chain_id}:${address}`);
}

export async function learnTokens(): Promise<void> {
  const page = await events<Token>("token", { limit: 10_000, fields: "chain_id,token,symbol,decimals" });
  const found = new Map(tokens.value);
  for (const { chain_id, token, symbol, decimals } of page.events.reverse()) {
    found.set(`${chain_id}:${token}`, { symbol, decimals });
  }
  tokens.value = found;
}
