"""Pulumi: what a stack holds, what a preview would change, and which updates were made."""
