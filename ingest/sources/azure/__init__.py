"""Azure from files: Resource Graph exports and the Activity Log."""
