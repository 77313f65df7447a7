"""Who may do what on Kubernetes, decided in one reviewed file per team, starting from AWS IAM groups."""

__version__ = "0.1.0"
