"""Whom EKS takes a caller for: access entries and aws-auth rows, read together; the aws-auth editor. Pure."""
