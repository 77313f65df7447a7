"""Edge: the access repository's YAML files, with positions."""
