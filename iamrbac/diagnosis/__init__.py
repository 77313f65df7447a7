"""Why kubectl says Unauthorized or Forbidden: from facts to a verdict, one small file per check. Pure."""
