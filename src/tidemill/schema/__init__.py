"""What things are: logical types, events, faults, and everything derived from them."""
