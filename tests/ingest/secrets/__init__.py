"""Tests of the secrets source."""
