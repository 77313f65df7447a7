"""Edge: contexts merged into a kubeconfig that others write too."""
