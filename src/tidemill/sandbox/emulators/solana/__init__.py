"""An emulated Solana node that serves recorded transactions."""
