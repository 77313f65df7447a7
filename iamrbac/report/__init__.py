"""What an auditor asks of a repository: who may do what where, how strong that is, until when, and who agreed. Pure."""
