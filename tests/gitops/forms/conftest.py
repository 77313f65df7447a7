"""A real API server for the forms that are Kubernetes objects."""

from tests.conformance.conftest import real_target

__all__ = ["real_target"]
