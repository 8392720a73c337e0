"""Adapters that ask metrics, logs and traces about a window. Each satisfies the agent's `Observations` protocol by its shape."""
