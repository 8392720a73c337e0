"""Markdown: runbooks, decisions and post-mortems, section by section."""
