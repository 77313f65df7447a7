"""Edge: the Jinja2 sandbox that turns a role template into rules."""
