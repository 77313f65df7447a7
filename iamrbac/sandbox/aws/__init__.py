"""moto over HTTP, with the parts of EKS and STS that it lacks."""
