"""Edits of configuration code that make it say what is there, byte for byte elsewhere."""
