/** Where each chain's addresses and transactions can be looked at by others' means.
 *
 * Source: github.com/ethereum-lists/chains, `_data/chains/eip155-*.json`, entries of the standard EIP-3091, which has these paths;
 * read in November 2026. Celo's entry there is of no standard: of its explorer the paths are those that public code links to.
 */

const EXPLORERS: Readonly<Record<string, string>> = {
  "1": "https://etherscan.io",
  "10": "https://optimistic.etherscan.io",
  "56": "https://bscscan.com",
  "100": "https://gnosisscan.io",
  "137": "https://polygonscan.com",
  "250": "https://ftmscan.com",
  "324": "https://explorer.zksync.io",
  "1329": "https://seitrace.com",
  "8453": "https://basescan.org",
  "42161": "https://arbiscan.io",
  "42220": "https://celoscan.io",
  "43114": "https://snowtrace.io",
  "59144": "https://lineascan.build",
  "534352": "https://scrollscan.com",
};

/** Null where the chain has no explorer that is known, as a local one. */
export function explorerLink(chain_id: unknown, kind: "address" | "tx", value: string): string | null {
  const site = EXPLORERS[String(chain_id)];
  return site === undefined ? null : `${site}/${kind}/${value}`;
}
