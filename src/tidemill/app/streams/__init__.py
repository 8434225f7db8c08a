"""Processors over the bus, and the records and risks that they make."""
