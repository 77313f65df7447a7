"""A real API server for the Jobs."""

from tests.conformance.conftest import real_target

__all__ = ["real_target"]
