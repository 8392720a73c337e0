"""The Slack bot: events in by Socket Mode or HTTP, answers out through the gateway."""
