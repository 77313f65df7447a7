"""Edge: the access repository's history, and delivery repositories, both with git's own command line."""
