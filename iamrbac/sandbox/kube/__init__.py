"""An embedded Kubernetes API: enough of it for kubectl and the official client, and 501 for the rest."""
