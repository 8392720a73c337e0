"""The outside of infralore: settings, wiring, command line."""
