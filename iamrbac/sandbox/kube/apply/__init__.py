"""Server-side apply: who owns which field, what an apply merges and removes, and when it conflicts."""
