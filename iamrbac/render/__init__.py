"""Views: one model, several formats."""
