"""A real Terraform, a real provider and an AWS that records who called what."""
