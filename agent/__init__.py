"""Reasoning over facts. Reads the graph, never a source."""
