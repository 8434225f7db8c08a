"""EVM chains: a pure machine that turns recorded entries into sealed blocks, and the shell that feeds it."""
