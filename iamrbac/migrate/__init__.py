"""From aws-auth to access entries: what each row becomes, what stands against it, and that nobody notices. Pure."""
