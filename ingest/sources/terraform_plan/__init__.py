"""Terraform and OpenTofu plans as JSON: what would have been changed."""
