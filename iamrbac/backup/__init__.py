"""What an apply changed on a cluster, kept so that it can be undone and answered for. Pure."""
