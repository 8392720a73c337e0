"""AWS CloudTrail: who called which API on what, from log files, an S3 bucket or LookupEvents."""
