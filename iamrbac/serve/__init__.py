"""Edge: what `sync` shows of itself: metrics and health over HTTP, and structured logs."""
