"""Price files: read, kept with their dates, and asked."""
