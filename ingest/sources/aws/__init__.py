"""AWS: what really runs in an account, its AWS Config history and its service quotas."""
