"""Chains, read and searched: from settings to pipeline, and what people ask of pools and opportunities."""
