"""Edge: the access repository's history, read with git's own command line."""
