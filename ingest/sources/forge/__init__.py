"""What the sources of code forges (GitHub, GitLab) have in common. Not a source itself."""
