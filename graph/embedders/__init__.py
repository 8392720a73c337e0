"""Embedders, one file each, imported only when asked for: see `graph.embeddings.open_embedder`."""
