"""Google Cloud from files: Cloud Asset Inventory exports and Cloud Audit Logs."""
