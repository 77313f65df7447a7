"""Documents, identities, namespaces and a time become the desired objects of each cluster. Pure."""
