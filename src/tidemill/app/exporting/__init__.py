"""Exports, asked for by command, route and schedule."""
