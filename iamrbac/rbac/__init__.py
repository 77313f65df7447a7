"""The RBAC authorizer: which rules match, what covers what, aggregation, escalation. Pure."""
