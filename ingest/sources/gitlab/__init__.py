"""The gitlab source."""
