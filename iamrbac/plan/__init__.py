"""What would change: keyed diff, order, guards, the plan document and its fingerprint. Pure."""
