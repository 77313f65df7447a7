"""Edge: backups on this machine and in S3."""
