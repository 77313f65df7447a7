"""The patch types beside server-side apply: JSON patch, merge patch and strategic merge patch."""
