"""Delivery repositories: read, committed to, pushed to and proposed to, through the person's own git."""
