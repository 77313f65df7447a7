"""What a cluster gives today, as policies and role templates, with a proof that they give the same. Pure."""
