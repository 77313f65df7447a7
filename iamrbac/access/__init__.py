"""Effective access: who may do what through which chain, and what a change gives or takes. Pure."""
