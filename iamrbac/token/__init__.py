"""The exec credential plug-in: standard library first, botocore only where it must."""
