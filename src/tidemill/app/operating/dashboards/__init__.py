"""Grafana's dashboards, made from declarations."""
