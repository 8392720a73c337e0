"""A Kubernetes cluster: what runs, what was rolled out, and what its events say; from `kubectl get -o json` or the live API."""
