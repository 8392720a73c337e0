"""Tests of the gitlab source."""
