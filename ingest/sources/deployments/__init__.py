"""Deployments told by any tool: our documented JSON, CDEvents, CSV; as files and as webhook."""
