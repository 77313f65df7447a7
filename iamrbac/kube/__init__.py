"""Edge: RBAC objects, namespaces and the aws-auth ConfigMap through the official client."""
