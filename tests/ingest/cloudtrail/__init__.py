"""Tests of the cloudtrail source."""
