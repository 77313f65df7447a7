"""Rules about what policies and manifests give: dangerous rights, and what silently does nothing. Pure."""
