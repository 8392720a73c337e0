"""Certificates, access keys and secrets: their names, ages, last rotation and expiry; never a value."""
