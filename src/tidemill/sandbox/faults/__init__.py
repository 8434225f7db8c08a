"""The emulator: a proxy before any JSON-RPC endpoint that injects faults, drawn from a seed."""
