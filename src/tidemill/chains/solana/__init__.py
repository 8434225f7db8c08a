"""Solana: blocks from a node, each once, in the order of their slots."""
