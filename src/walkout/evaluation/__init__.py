"""Metrics, scenario runner, benchmarks and reports."""
