"""Nodes for programs that look at the graph."""
