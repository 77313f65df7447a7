"""What a policy says: typed documents, where they stand in their files, ARNs, errors. Pure."""
