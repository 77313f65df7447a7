"""What whoever runs a command of ours must be allowed to do in AWS and on the clusters, and nothing more. Pure."""
