"""Edge: IAM, STS and EKS through boto3."""
