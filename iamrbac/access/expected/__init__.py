"""Expected access: what tests/access says, judged against what the policies give. Pure."""
