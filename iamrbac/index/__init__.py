"""The access index: what a developer's commands need to know of clusters and grants, made by whoever applies. Pure."""
