"""Terraform and OpenTofu state, version 4: which resources exist, since when, and what each apply changed."""
