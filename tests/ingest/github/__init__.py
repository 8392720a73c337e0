"""Tests of the github source."""
