"""The question templates: importing this package registers them all in `bench.world.asking.TEMPLATES`."""

from bench.world.templates import arrival, by_hand, conversation, incidents, people, running, unknown, why

__all__ = ["arrival", "by_hand", "conversation", "incidents", "people", "running", "unknown", "why"]
