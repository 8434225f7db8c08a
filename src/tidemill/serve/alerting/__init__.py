"""Alerts, told to people: which are told when, in which words, and by which route."""
