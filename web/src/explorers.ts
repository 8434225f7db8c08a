/** Where each chain's blocks can be looked at by others' means: their usual explorers, not asked of a list. */

const EXPLORERS: Readonly<Record<string, string>> = {
  "1": "https://etherscan.io",
  "10": "https://optimistic.etherscan.io",
  "56": "https://bscscan.com",
  "100": "https://gnosisscan.io",
  "137": "https://polygonscan.com",
  "250": "https://ftmscan.com",
  "324": "https://explorer.zksync.io",
  "1329": "https://seiscan.io",
  "8453": "https://basescan.org",
  "42161": "https://arbiscan.io",
  "42220": "https://celoscan.io",
  "43114": "https://snowtrace.io",
  "59144": "https://lineascan.build",
  "534352": "https://scrollscan.com",
};

/** Null where the chain has no explorer that is known, as a local one. */
export function explorerLink(
  chain_id: unknown,
  kind: "address" | "tx" | "block",
  value: string,
): string | null {
  const site = EXPLORERS[String(chain_id)];
  return site === undefined ? null : `${site}/${kind}/${value}`;
}
