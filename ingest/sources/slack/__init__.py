"""Slack: threads, decisions and members of channels, from an export, the Web API and the Events API."""
