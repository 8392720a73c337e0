"""Sources: read the world, yield facts. Nothing here answers a question."""
